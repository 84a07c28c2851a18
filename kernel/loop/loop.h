/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A loop port: an initiator and a target port in one. To SCSI it is an adapter
 * (Scsi_Host) with a channel for each I_T nexus, and one target (id 0) on each;
 * to the core it is a host.
 *
 * Who lives how long: a loop_host is the private part of its Scsi_Host. Those
 * of loop_hosts (main.c) are whole; loop_host_remove() is called for what was
 * taken off the list, and ends everything else first.
 *
 * A command is known from both sides: loop_slot (of the scsi_cmnd) has the
 * tgt_cmd, loop_cmd (of the tgt_cmd) has the scsi_cmnd. When SCSI has given a
 * command to its error handler, scsi_done() does nothing, and the scsi_cmnd stays
 * until the handler says that it is over. With scsi_done() the slot may be gone,
 * hence slot->id is 0 before; both are done in one RCU read-side section, for which
 * the handler waits once it has seen the 0. In the other direction a tgt_cmd is good
 * to use while slot->cmd has it, under slot->lock.
 */
#ifndef _TGT_LOOP_H
#define _TGT_LOOP_H

#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "tgt_host.h"

#define LOOP_MAX_NEXUSES	64

struct loop_host {
	struct list_head entry;		/* in loop_hosts */
	struct Scsi_Host *shost;
	struct tgt_host *host;
	u32 number;			/* of host */
	bool dead;			/* nothing is sent any more */
	wait_queue_head_t slot_over;	/* error handlers wait for slots */
	struct rw_semaphore handlers;	/* read: at work on host and nexuses */
	bool gone;			/* written under handlers: these are no more */
	struct delayed_work kill;

	/* logical units that came or went, in order */
	spinlock_t change_lock;
	struct list_head changes;
	unsigned int change_count;
	bool ready;			/* under change_lock: SCSI knows of the host */
	struct delayed_work scan;
	unsigned int scan_tries;

	u32 nexus_count;
	struct tgt_nexus *nexuses[];	/* by channel */
};

/* Of a scsi_cmnd. */
struct loop_slot {
	spinlock_t lock;	/* irqs off: completions start other commands */
	u64 id;			/* of the tgt_cmd; 0: none is under way */
	struct tgt_cmd *cmd;	/* NULL: over, or nearly so */
};

/* Of a tgt_cmd. */
struct loop_cmd {
	struct scsi_cmnd *sc;
};

static inline struct loop_host *loop_of(struct scsi_device *sdev)
{
	return shost_priv(sdev->host);
}

/* main.c */
extern struct scsi_host_template loop_template;
extern const struct tgt_host_ops loop_ops;
extern unsigned int loop_max_sectors;

/* host.c: sleep */
struct loop_host *loop_host_create(const struct tgt_host_params *params);
void loop_host_remove(struct loop_host *loop);
bool loop_host_in_use(struct loop_host *loop);

/* cmd.c */
int loop_init_slot(struct Scsi_Host *shost, struct scsi_cmnd *sc);
int loop_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *sc);
void loop_get_data(struct tgt_cmd *cmd);
void loop_respond(struct tgt_cmd *cmd);
void loop_aborted(struct tgt_cmd *cmd);
/* Those of sdev, or of all if it is NULL. */
void loop_drop(struct loop_host *loop, struct scsi_device *sdev);
bool loop_any(struct loop_host *loop, struct scsi_device *sdev);
u64 loop_slot_id(struct scsi_cmnd *sc);
void loop_slot_drop(struct scsi_cmnd *sc);

/* eh.c */
int loop_abort(struct scsi_cmnd *sc);
int loop_lun_reset(struct scsi_cmnd *sc);
int loop_target_reset(struct scsi_cmnd *sc);
int loop_host_reset(struct scsi_cmnd *sc);
void loop_task_done(struct tgt_task *task, u8 response);

/* scan.c */
void loop_lun_changed(struct tgt_host *host, const u8 lun[8], bool present);
void loop_scan_begin(struct loop_host *loop);
void loop_scan_end(struct loop_host *loop);
void loop_scan(struct work_struct *work);
void loop_forget_changes(struct loop_host *loop);

#endif
