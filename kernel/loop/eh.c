// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error handling. SCSI calls it with commands whose time is over; when a function
 * says SUCCESS, nothing of them may be under way here. That the daemon was told
 * and has answered comes first, so that a late write does not land on newer
 * data; only the reset of the host takes commands back without it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "loop.h"

#define LOOP_TASK_SECONDS	10
#define LOOP_NO_ANSWER		(-ETIME)

/* Of the one who waits and of the core. */
struct loop_task {
	struct tgt_task task;
	struct completion done;
	refcount_t users;
	u8 response;
};

static void task_put(struct loop_task *own)
{
	if (refcount_dec_and_test(&own->users))
		kfree(own);
}

void loop_task_done(struct tgt_task *task, u8 response)
{
	struct loop_task *own = container_of(task, struct loop_task, task);

	own->response = response;
	complete(&own->done);
	task_put(own);
}

static struct loop_task *task_alloc(struct scsi_device *sdev, u8 function, u64 ref_id)
{
	struct loop_task *own = kzalloc(sizeof(*own), GFP_KERNEL);

	if (!own)
		return NULL;
	init_completion(&own->done);
	refcount_set(&own->users, 2);
	own->task.nexus = loop_of(sdev)->nexuses[sdev->channel];
	own->task.function = function;
	own->task.ref_id = ref_id;
	int_to_scsilun(sdev->lun, (struct scsi_lun *)own->task.lun);
	return own;
}

/* TGT_RESPONSE_*, or negative: the daemon does not answer. */
static int run_task(struct scsi_device *sdev, u8 function, u64 ref_id)
{
	struct loop_task *own = task_alloc(sdev, function, ref_id);
	int rc;

	if (!own)
		return -ENOMEM;
	rc = tgt_task_submit(&own->task);
	if (rc) {
		kfree(own);
		return rc;
	}
	rc = LOOP_NO_ANSWER;
	if (wait_for_completion_timeout(&own->done, LOOP_TASK_SECONDS * HZ))
		rc = own->response;
	task_put(own);
	return rc;
}

/*
 * A daemon that is started again finds commands and tasks as they were. Waits
 * for that, rather than to conclude that the device is broken; not for longer
 * than the core waits.
 */
static void await_daemon(struct loop_host *loop)
{
	while (tgt_host_awaited(loop->host) && !READ_ONCE(loop->dead))
		msleep(100);
}

/* No slot has a command any more: so that scsi_done() was called for each, too. */
static int all_over(void)
{
	synchronize_rcu(); /* finish() in cmd.c */
	return SUCCESS;
}

/* Takes back what there is; the core has aborted() called soon for each. */
static int take_back(struct loop_host *loop, struct scsi_device *sdev)
{
	loop_drop(loop, sdev);
	wait_event(loop->slot_over, !loop_any(loop, sdev));
	return all_over();
}

static int abort_command(struct loop_host *loop, struct scsi_cmnd *sc)
{
	u64 id;
	int rc;

	await_daemon(loop);
	id = loop_slot_id(sc);
	if (!id)
		return all_over();
	rc = run_task(sc->device, TGT_TASK_ABORT_TASK, id);
	if (rc != TGT_RESPONSE_COMPLETE && rc != TGT_RESPONSE_NO_TASK && !READ_ONCE(loop->dead))
		return FAILED;
	loop_slot_drop(sc);
	wait_event(loop->slot_over, !loop_slot_id(sc));
	return all_over();
}

static int reset_lun(struct loop_host *loop, struct scsi_cmnd *sc)
{
	int rc;

	await_daemon(loop);
	rc = run_task(sc->device, TGT_TASK_LOGICAL_UNIT_RESET, 0);
	if (rc != TGT_RESPONSE_COMPLETE && rc != TGT_RESPONSE_NO_LUN && !READ_ONCE(loop->dead))
		return FAILED;
	return take_back(loop, sc->device);
}

/* Every channel leads to the one target. */
static int reset_target(struct loop_host *loop, struct scsi_cmnd *sc)
{
	int rc;

	await_daemon(loop);
	rc = run_task(sc->device, TGT_TASK_TARGET_RESET, 0);
	if (rc != TGT_RESPONSE_COMPLETE && !READ_ONCE(loop->dead))
		return FAILED;
	return take_back(loop, NULL);
}

static int reset_host(struct loop_host *loop, struct scsi_cmnd *sc)
{
	await_daemon(loop);
	return take_back(loop, NULL);
}

static int handle(struct scsi_cmnd *sc, int (*handler)(struct loop_host *, struct scsi_cmnd *))
{
	struct loop_host *loop = loop_of(sc->device);
	int rc = FAILED;

	down_read(&loop->handlers);
	if (!loop->gone)
		rc = handler(loop, sc);
	up_read(&loop->handlers);
	return rc;
}

int loop_abort(struct scsi_cmnd *sc)
{
	return handle(sc, abort_command);
}

int loop_lun_reset(struct scsi_cmnd *sc)
{
	return handle(sc, reset_lun);
}

int loop_target_reset(struct scsi_cmnd *sc)
{
	return handle(sc, reset_target);
}

int loop_host_reset(struct scsi_cmnd *sc)
{
	return handle(sc, reset_host);
}
