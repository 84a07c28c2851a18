// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading, and the parameters. */
#include <linux/module.h>

#include "ring.h"

struct workqueue_struct *tgt_wq;

unsigned int tgt_daemon_timeout = 60;
module_param_named(daemon_timeout, tgt_daemon_timeout, uint, 0644);
MODULE_PARM_DESC(daemon_timeout, "seconds that commands wait for a daemon before they end with BUSY");

unsigned int tgt_data_default = 16;
module_param_named(data_default, tgt_data_default, uint, 0644);
MODULE_PARM_DESC(data_default, "MiB of a queue's data area when the daemon has no wish");

unsigned int tgt_data_max = 256;
module_param_named(data_max, tgt_data_max, uint, 0644);
MODULE_PARM_DESC(data_max, "MiB that a queue's data area may have");

static int __init tgt_init(void)
{
	int rc;

	tgt_wq = alloc_workqueue("tgt", WQ_MEM_RECLAIM, 0);
	if (!tgt_wq)
		return -ENOMEM;
	rc = tgt_nl_init();
	if (rc)
		goto no_netlink;
	tgt_debugfs_init();
	rc = tgt_device_init();
	if (rc)
		goto no_device;
	return 0;

no_device:
	tgt_debugfs_exit();
	tgt_nl_exit();
no_netlink:
	destroy_workqueue(tgt_wq);
	return rc;
}

static void __exit tgt_exit(void)
{
	tgt_device_exit();
	destroy_workqueue(tgt_wq);	/* the last attachments tell of their end */
	tgt_debugfs_exit();
	tgt_nl_exit();
}

module_init(tgt_init);
module_exit(tgt_exit);

MODULE_DESCRIPTION("Core of the SCSI target framework: the ring to its daemon");
MODULE_LICENSE("GPL");
