/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a low-level driver (an HBA's target mode, a loop port) needs of the core:
 * it registers hosts, tells of I_T nexuses, queues commands and task management
 * functions, and moves data when the core asks for it.
 *
 * A command:
 *   tgt_cmd_alloc()           any context; NULL: the queue is full, the
 *                             initiator is told to try again
 *   fill in lun .. out_length
 *   tgt_cmd_submit()          any context
 *   ops->get_data()           the device server wants Data-Out; none or many,
 *                             in any order, and after the end of a daemon also
 *                             what was fetched before: a driver that cannot
 *                             fetch it again says an error
 *     tgt_cmd_data_done()     any context, once for each, also when it failed
 *   ops->respond()            Data-In, status and sense data for the initiator
 *  or ops->aborted()          the initiator gets nothing
 *   tgt_cmd_free()            any context, once, when nothing of it is on the
 *                             wire any more
 *
 * Every command that was submitted gets respond() or aborted(), once, however
 * the daemon behaves and also when there is none (after core's daemon_timeout
 * seconds). ops are called in process context without locks; what they allocate
 * does not wait for I/O. They do not call tgt_nexus_destroy() and
 * tgt_host_unregister(), which wait for them.
 */
#ifndef _TGT_HOST_H
#define _TGT_HOST_H

#include <linux/scatterlist.h>
#include <linux/types.h>
#include <uapi/linux/tgt_ring.h>

struct module;
struct tgt_host;
struct tgt_nexus;
struct tgt_queue;

struct tgt_cmd {
	/* filled in by the driver between alloc and submit */
	u8 lun[8];
	u8 attribute;			/* TGT_ATTR_* */
	u16 cdb_length;			/* 6 to TGT_RING_MAX_CDB */
	u8 cdb[TGT_RING_MAX_CDB];
	u32 in_length;			/* bytes that the initiator takes */
	u32 out_length;			/* bytes that the initiator sends */

	/* constant from alloc on */
	u64 id;
	struct tgt_nexus *nexus;
	void *priv;			/* ops->cmd_priv_size bytes, zeroed */

	/* for get_data() and respond(): pages of the data area */
	struct scatterlist *sg;
	unsigned int sg_count;		/* 0: no data */
	u32 offset;			/* get_data(): into the Data-Out */
	u32 length;

	/* for respond() */
	u8 status;
	bool given_up;			/* nobody served it in time; status is BUSY */
	u16 sense_length;
	u8 sense[TGT_RING_MAX_SENSE];
	u32 in_total;			/* what the device server moves, by the */
	u32 out_total;			/* command; residuals are against it */
};

struct tgt_task {
	struct tgt_nexus *nexus;
	u8 function;			/* TGT_TASK_* */
	u8 lun[8];
	u64 ref_id;			/* TGT_TASK_ABORT_TASK: id of the command */
	void *priv;			/* the driver's */
};

/* What TGT_NL_HOST_NEW asked for; 0: the driver's default. */
struct tgt_host_params {
	u32 number;			/* that the host is to have */
	u32 queues;
	u32 nexuses;
	u32 depth;
};

struct tgt_host_ops {
	struct module *owner;
	const char *name;		/* tgtadm --lld */
	size_t cmd_priv_size;

	void (*get_data)(struct tgt_cmd *cmd);
	void (*respond)(struct tgt_cmd *cmd);
	void (*aborted)(struct tgt_cmd *cmd);
	/* Answers tgt_task_submit(), once; response: TGT_RESPONSE_* */
	void (*task_done)(struct tgt_task *task, u8 response);

	/* The rest may be NULL. */
	/* A logical unit came or went. */
	void (*lun_changed)(struct tgt_host *host, const u8 lun[8], bool present);
	/* Makes a host by request of the administrator; gives its number. */
	int (*make_host)(const struct tgt_host_params *params);
	/* Takes one away that make_host() made. -EBUSY: in use, and not `force` */
	int (*remove_host)(struct tgt_host *host, bool force);
};

struct tgt_host_setup {
	const struct tgt_host_ops *ops;
	u32 number;			/* that it is to have; 0: the first free one */
	u32 queues;			/* 1 to TGT_MAX_QUEUES */
	u32 depth;			/* commands per queue: 1 to TGT_MAX_DEPTH */
	const char *port_name;		/* copied; NULL: none */
	int scsi_host;			/* of the loop driver; -1: none */
	void *priv;
};

#define TGT_MAX_QUEUES	64
#define TGT_MAX_DEPTH	4096

/* Drivers that can make hosts by themselves. Sleep. */
int tgt_driver_register(const struct tgt_host_ops *ops);
/* Its hosts are gone by then; waits for make_host() and remove_host(). */
void tgt_driver_unregister(const struct tgt_host_ops *ops);

/* Sleeps. ERR_PTR on failure; -EEXIST: the number is in use. The daemon is told. */
struct tgt_host *tgt_host_register(const struct tgt_host_setup *setup);
/*
 * Sleeps until every nexus is gone and every command was freed. The driver has
 * destroyed the nexuses, and gives no new ones; the host is gone afterwards.
 */
void tgt_host_unregister(struct tgt_host *host);
void *tgt_host_priv(struct tgt_host *host);
u32 tgt_host_number(struct tgt_host *host);
/* Whether a daemon serves all queues. Any context. */
bool tgt_host_served(struct tgt_host *host);
/*
 * Whether a queue has no daemon and its commands still wait for one. Once their
 * time is over there is nothing to wait for. Any context.
 */
bool tgt_host_awaited(struct tgt_host *host);

/*
 * Process context; sleeps. `transport_id`: 24 bytes (SPC-5 7.6.4), or NULL. The
 * core chooses the queue.
 */
struct tgt_nexus *tgt_nexus_create(struct tgt_host *host, const char *name,
				   const u8 *transport_id, void *priv);
/*
 * The driver submits nothing more for it. Its commands end by aborted(), its
 * tasks are answered; sleeps until all are over and freed.
 */
void tgt_nexus_destroy(struct tgt_nexus *nexus);
void *tgt_nexus_priv(struct tgt_nexus *nexus);
/* Whether a daemon serves its queue; without one the core ends commands in time. Any context. */
bool tgt_nexus_served(struct tgt_nexus *nexus);

struct tgt_cmd *tgt_cmd_alloc(struct tgt_nexus *nexus);
void tgt_cmd_submit(struct tgt_cmd *cmd);
void tgt_cmd_data_done(struct tgt_cmd *cmd, int error);
void tgt_cmd_free(struct tgt_cmd *cmd);
/*
 * The initiator has given up on it (its side was reset): ops->aborted() comes
 * soon, without waiting for the daemon, which still answers, to nobody. Any
 * context. Before tgt_cmd_submit(): after it. While get_data() is under way: after
 * tgt_cmd_data_done(). After respond(): nothing happens.
 */
void tgt_cmd_drop(struct tgt_cmd *cmd);

/* Any context. -ENOSPC: no descriptor; -ESHUTDOWN. Else task_done() comes. */
int tgt_task_submit(struct tgt_task *task);

#endif
