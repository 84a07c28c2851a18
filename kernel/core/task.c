// SPDX-License-Identifier: GPL-2.0-only
/* Task management functions: as commands, without data, and nobody takes them back. */
#include <linux/export.h>

#include "ring.h"

int tgt_task_submit(struct tgt_task *task)
{
	struct tgt_nexus *nexus = task->nexus;
	struct tgt_queue *queue = nexus->queue;
	struct tgt_task_request *treq;
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&queue->lock, flags);
	if (nexus->dying) {
		rc = -ESHUTDOWN;
	} else if (list_empty(&queue->free_tasks)) {
		queue->stats.full++;
		nexus->stats.full++;
		rc = -ENOSPC;
	} else {
		treq = list_first_entry(&queue->free_tasks, struct tgt_task_request, req.link);
		list_del_init(&treq->req.link);
		treq->req.flags = 0;
		treq->req.nexus = nexus;
		treq->req.id = atomic64_inc_return(&nexus->host->next_id);
		treq->task = task;
		nexus->live++;
		queue->live++;
		queue->stats.tasks++;
		nexus->stats.tasks++;
		tgt_request_wait(queue, &treq->req);
		tgt_publish(queue);
		tgt_timeout_arm(queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return rc;
}
EXPORT_SYMBOL_GPL(tgt_task_submit);

/* Nobody will do it: the nexus goes, or no daemon comes. */
void tgt_task_reject(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	if (req->state != TGT_WAITING && req->state != TGT_POSTED)
		return;
	if (req->state == TGT_WAITING)
		list_del_init(&req->link);
	tgt_task_request(req)->response = TGT_RESPONSE_REJECTED;
	tgt_request_end(queue, req, TGT_ACT_TASK_DONE);
}
