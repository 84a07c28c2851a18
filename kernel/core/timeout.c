// SPDX-License-Identifier: GPL-2.0-only
/*
 * Without a daemon requests wait for daemon_timeout seconds from when the last
 * one left. What comes later ends soon, but not at once: an initiator that
 * tries again and again is to have a pause in between.
 */
#include <linux/export.h>

#include "ring.h"

#define TGT_PAUSE	(HZ / 10)

static s64 tgt_timeout_left(struct tgt_queue *queue)
{
	return queue->left_at + (u64)READ_ONCE(tgt_daemon_timeout) * HZ - get_jiffies_64();
}

static bool tgt_queue_awaited(struct tgt_queue *queue)
{
	unsigned long flags;
	bool awaited;

	spin_lock_irqsave(&queue->lock, flags);
	awaited = !queue->att && tgt_timeout_left(queue) > 0;
	spin_unlock_irqrestore(&queue->lock, flags);
	return awaited;
}

bool tgt_host_awaited(struct tgt_host *host)
{
	bool awaited = false;
	u32 i;

	for (i = 0; i < host->queue_count; i++)
		awaited = awaited || tgt_queue_awaited(&host->queues[i]);
	return awaited;
}
EXPORT_SYMBOL_GPL(tgt_host_awaited);

/* Looks every second: the parameter may be changed. */
void tgt_timeout_arm(struct tgt_queue *queue)
{
	s64 left;

	lockdep_assert_held(&queue->lock);
	if (queue->att || list_empty(&queue->waiting))
		return;
	left = tgt_timeout_left(queue);
	queue_delayed_work(tgt_wq, &queue->timeout, clamp_t(s64, left, TGT_PAUSE, HZ));
}

static void tgt_give_up(struct tgt_queue *queue, struct tgt_request *req)
{
	struct tgt_cmd_request *creq = tgt_cmd_request(req);

	if (req->type == TGT_DESC_TASK) {
		tgt_task_reject(queue, req);
		return;
	}
	list_del_init(&req->link);
	tgt_cmd_clear(creq);
	creq->cmd.status = 0x08;	/* BUSY, SAM-5 5.3.1 */
	creq->cmd.given_up = true;
	tgt_cmd_count_end(queue, req, false);
	tgt_request_end(queue, req, TGT_ACT_RESPOND);
}

void tgt_timeout_work(struct work_struct *work)
{
	struct tgt_queue *queue =
		container_of(to_delayed_work(work), struct tgt_queue, timeout);
	struct tgt_request *req, *next;

	spin_lock_irq(&queue->lock);
	/* Only commands and tasks wait while there is no daemon. */
	if (!queue->att && tgt_timeout_left(queue) <= 0)
		list_for_each_entry_safe(req, next, &queue->waiting, link)
			tgt_give_up(queue, req);
	tgt_timeout_arm(queue);
	spin_unlock_irq(&queue->lock);
}
