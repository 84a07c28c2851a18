// SPDX-License-Identifier: GPL-2.0-only
/* Stands in for what is not linked: the weak halves of netlink.c and debugfs.c. */
#include "core.h"

int __weak tgt_nl_init(void)
{
	return 0;
}

void __weak tgt_nl_exit(void) {}
void __weak tgt_nl_host_added(struct tgt_host *host) {}
void __weak tgt_nl_host_removed(struct tgt_host *host) {}
void __weak tgt_nl_nexus_added(struct tgt_nexus *nexus) {}
void __weak tgt_nl_nexus_removed(struct tgt_nexus *nexus) {}
void __weak tgt_nl_queue_attached(struct tgt_queue *queue, pid_t pid) {}
void __weak tgt_nl_queue_detached(struct tgt_queue *queue, pid_t pid,
				  enum tgt_nl_detach_reason reason)
{
}

void __weak tgt_debugfs_init(void) {}
void __weak tgt_debugfs_exit(void) {}
void __weak tgt_debugfs_host_added(struct tgt_host *host) {}
void __weak tgt_debugfs_host_removed(struct tgt_host *host) {}
