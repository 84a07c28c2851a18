/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the core share. Nothing outside kernel/core includes it.
 *
 * Locks, in this order:
 *   tgt_hosts_mutex	the table of hosts (host.c)
 *   host->mutex	making and choosing of nexuses
 *   queue->run		one looks at replies at a time
 *   queue->lock	spinlock, irqs off: states of requests, lists, event ring,
 *			who is attached, counters of the queue and its nexuses
 *   host->table_lock	spinlock, irqs off: numbers of nexuses
 * None is held while an op of a driver runs.
 *
 * Who lives how long:
 *   host	kref; the driver's until unregister, one per nexus, attachment,
 *		and reader. Its queues are part of it.
 *   nexus	kref; the driver's until destroy, one per descriptor the daemon
 *		has of it (arrived, left), and reader
 *   attachment	kref; the file's until release, the queue's until it is over,
 *		one per command that uses segments of its data area
 */
#ifndef _TGT_CORE_H
#define _TGT_CORE_H

#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/tgt_netlink.h>
#include <uapi/linux/tgt_ring.h>

#include "tgt_host.h"

#define TGT_TASK_TAGS	32	/* descriptors beyond `depth`: for tasks, */
#define TGT_NEXUS_TAGS	16	/* and for nexuses that come and go */
#define TGT_NO_TAG	(~0u)
#define TGT_LLD_NAME	16	/* of a driver's name, with the zero */

struct tgt_attachment;
struct dentry;

/* Under queue->lock; of a host: the sum of its queues. */
struct tgt_stats {
	u64 commands;		/* submitted */
	u64 active;		/* of them: not ended */
	u64 in_bytes;
	u64 out_bytes;
	u64 tasks;
	u64 aborted;
	u64 full;
	/* The rest is of queues only. */
	u64 kicks;
	u64 wakeups;
	u64 redelivered;
	u64 bad_replies;
	u64 stale_replies;	/* with an id that is over */
};

/* See cmd.c for how they follow each other. */
enum tgt_state {
	TGT_FREE,
	TGT_ALLOCATED,		/* driver fills it in */
	TGT_WAITING,		/* on queue->waiting */
	TGT_POSTED,		/* the daemon's */
	TGT_DATA,		/* the driver's, for get_data() */
	TGT_ENDED,		/* the driver's, until it frees it */
	TGT_GONE,		/* the driver's no more; the daemon has yet to answer */
};

enum tgt_action {
	TGT_ACT_NONE,
	TGT_ACT_GET_DATA,
	TGT_ACT_RESPOND,
	TGT_ACT_ABORTED,
	TGT_ACT_TASK_DONE,
};

/* What may have a descriptor. Everything under queue->lock. */
struct tgt_request {
	struct list_head link;	/* free, waiting, or to be acted on */
	struct tgt_nexus *nexus;	/* NULL: FREE or GONE */
	u64 id;
	u64 event_at;		/* the attachment's event_head when it was made known */
	u32 tag;		/* of commands and tasks: always the same */
	u8 type;		/* TGT_DESC_* */
	u8 state;		/* enum tgt_state */
	u8 action;		/* enum tgt_action, for tgt_run() */
	u8 flags;		/* TGT_DESC_F_* */
	bool posted;		/* the daemon has yet to answer */
	bool dropped;		/* aborted() follows; ALLOCATED: submit, DATA: data_done() */
	bool sent_due;		/* TGT_EVENT_SENT when the segments are free */
};

struct tgt_task_request {
	struct tgt_request req;
	struct tgt_task *task;
	u8 response;
};

#define TGT_INLINE_SG	TGT_RING_MAX_SEGMENTS

struct tgt_cmd_request {
	struct tgt_request req;
	struct tgt_attachment *segments_of;	/* a reference while sg is in use */
	struct scatterlist *table;	/* more than TGT_INLINE_SG; kept for the next one */
	unsigned int table_size;
	struct tgt_cmd cmd;
	struct scatterlist sg[TGT_INLINE_SG];
	unsigned long priv[];
};

struct tgt_queue {
	struct tgt_host *host;
	u32 index;
	u32 tags;

	struct mutex run;
	spinlock_t lock;
	struct tgt_attachment *att;	/* NULL: no daemon */
	u64 left_at;		/* jiffies: since when there is none */
	struct list_head free_cmds;
	struct list_head free_tasks;
	struct list_head waiting;	/* for a place on the ring, in order */
	struct list_head ended;		/* for tgt_queue_work() */
	struct list_head nexuses;	/* in order of arrival */
	u32 nexus_count;
	u32 live;		/* requests that a driver has */
	u32 running;		/* tgt_replies_run()s, which call ops */
	unsigned long nexus_tags;	/* bits: which are in use */
	struct tgt_request **by_tag;	/* commands and tasks: always */
	void *cmds;			/* of cmd_stride bytes each */
	struct tgt_task_request *tasks;
	struct tgt_stats stats;

	struct work_struct work;	/* ops that cannot be called where they come up */
	struct delayed_work timeout;
};

struct tgt_host {
	struct kref ref;
	const struct tgt_host_ops *ops;	/* valid until it is unregistered */
	char lld[TGT_LLD_NAME];
	char *port_name;	/* never NULL */
	u32 number;
	int scsi_host;		/* -1: none */
	u32 depth;
	u32 queue_count;
	size_t cmd_stride;
	void *priv;
	atomic64_t next_id;
	atomic64_t attachments;
	atomic_t attached;	/* queues that have a daemon */
	struct mutex mutex;
	bool dying;		/* written under tgt_hosts_mutex */
	u32 users;		/* under tgt_hosts_mutex; tgt_host_enter() */
	wait_queue_head_t wait;	/* for nexuses, requests and users to go */
	spinlock_t table_lock;
	struct idr nexuses;
	u32 nexus_count;	/* under table_lock */
	struct dentry *debugfs;	/* debugfs.c's */
	struct tgt_queue queues[];
};

struct tgt_nexus {
	struct kref ref;
	struct tgt_host *host;
	struct tgt_queue *queue;
	struct list_head on_queue;
	u32 number;
	u32 live;		/* requests that the driver has, under queue->lock */
	bool dying;
	bool has_transport_id;
	struct tgt_request arrived;
	struct tgt_request left;
	void *priv;
	u8 transport_id[24];
	char name[TGT_RING_MAX_NAME];
	struct tgt_stats stats;
};

/* main.c */
extern struct workqueue_struct *tgt_wq;	/* WQ_MEM_RECLAIM */
extern unsigned int tgt_daemon_timeout;	/* seconds */
extern unsigned int tgt_data_default;	/* MiB */
extern unsigned int tgt_data_max;	/* MiB */

/*
 * host.c. To walk over hosts (and nexuses of one) without a lock, e.g. in a
 * netlink dump: *_next(last number seen) until it is NULL; each comes with a
 * reference. Numbers begin with 1. A host that was unregistered meanwhile is
 * still good to read, its `ops` are not: they are valid between
 * tgt_host_enter() and tgt_host_leave() only. These keep unregister waiting,
 * hence ops->remove_host() is not called in between: tgt_driver_get() is
 * enough for that.
 */
struct tgt_host *tgt_host_get(u32 number);
struct tgt_host *tgt_host_next(u32 after);
void tgt_host_put(struct tgt_host *host);
bool tgt_host_enter(struct tgt_host *host);
void tgt_host_leave(struct tgt_host *host);
void tgt_host_stats(struct tgt_host *host, struct tgt_stats *sum);
u32 tgt_host_nexus_count(struct tgt_host *host);

/* driver.c. Keeps tgt_driver_unregister() waiting until it is put. */
const struct tgt_host_ops *tgt_driver_get(const char *name);
void tgt_driver_put(const struct tgt_host_ops *ops);

/* queue.c */
struct tgt_queue_info {
	bool attached;
	pid_t pid;		/* of the init namespace */
	u64 attachment;
	u64 data_bytes;
	u32 nexuses;
	u32 event_head;
	u32 event_tail;		/* as the daemon says */
	u32 reply_tail;
	struct tgt_stats stats;
};

struct tgt_request_info {
	u64 id;
	u32 nexus;		/* number; 0: none */
	u8 type;		/* 0: not in use */
	u8 state;
	u8 flags;
	bool posted;
	u8 lun[8];
	u8 opcode;
};

int tgt_queue_init(struct tgt_queue *queue, struct tgt_host *host, u32 index);
void tgt_queue_release(struct tgt_queue *queue);
void tgt_queue_info(struct tgt_queue *queue, struct tgt_queue_info *info);
/* False: no such tag. For debugfs. */
bool tgt_request_info(struct tgt_queue *queue, u32 tag, struct tgt_request_info *info);

/* nexus.c */
struct tgt_nexus *tgt_nexus_next(struct tgt_host *host, u32 after);
void tgt_nexus_put(struct tgt_nexus *nexus);
void tgt_nexus_stats(struct tgt_nexus *nexus, struct tgt_stats *stats);

/*
 * netlink.c and debugfs.c. Called in process context without locks. The things
 * are alive meanwhile; those that are removed are over for everybody else.
 */
int tgt_nl_init(void);
void tgt_nl_exit(void);
void tgt_nl_host_added(struct tgt_host *host);
void tgt_nl_host_removed(struct tgt_host *host);
void tgt_nl_nexus_added(struct tgt_nexus *nexus);
void tgt_nl_nexus_removed(struct tgt_nexus *nexus);
void tgt_nl_queue_attached(struct tgt_queue *queue, pid_t pid);
void tgt_nl_queue_detached(struct tgt_queue *queue, pid_t pid, enum tgt_nl_detach_reason reason);

void tgt_debugfs_init(void);
void tgt_debugfs_exit(void);
void tgt_debugfs_host_added(struct tgt_host *host);
void tgt_debugfs_host_removed(struct tgt_host *host);

#endif
