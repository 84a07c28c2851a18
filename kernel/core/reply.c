// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the daemon: replies. Everything in the user's region may change at any
 * time and have any value. A reply is copied once, and looked at in the copy. One
 * whose id is not that of what the daemon owes is passed over, as it may be late;
 * one that says what cannot be ends the attachment.
 */
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "ring.h"

#define TGT_BATCH	32		/* replies between two rounds of ops */
#define TGT_RETRY	(HZ / 100)	/* when there was no memory for one */

/* Positive: taken, go on. */
enum tgt_taken {
	TGT_TAKEN = 1,
	TGT_NOT_NOW = -ENOMEM,
	TGT_BROKEN = -EINVAL,
	TGT_OVER = -ESHUTDOWN,
};

static void tgt_reply_copy_head(struct tgt_attachment *att, u32 tag)
{
	memcpy(&att->reply, &att->slots[tag], offsetof(struct tgt_ring_reply, segments));
	barrier();	/* from here on only the copy counts */
}

static bool tgt_reply_copy_rest(struct tgt_attachment *att, u32 tag)
{
	const struct tgt_ring_reply *slot = &att->slots[tag];
	struct tgt_ring_reply *reply = &att->reply;

	if (reply->segment_count > TGT_RING_MAX_SEGMENTS ||
	    reply->sense_length > TGT_RING_MAX_SENSE)
		return false;
	reply->segment_count =
		array_index_nospec(reply->segment_count, TGT_RING_MAX_SEGMENTS + 1);
	reply->sense_length = array_index_nospec(reply->sense_length, TGT_RING_MAX_SENSE + 1);
	memcpy(reply->segments, slot->segments,
	       reply->segment_count * sizeof(reply->segments[0]));
	memcpy(reply->sense, slot->sense, reply->sense_length);
	barrier();
	return true;
}

static bool tgt_get_data_valid(const struct tgt_ring_reply *reply, const struct tgt_cmd *cmd)
{
	return reply->segment_count && !reply->flags &&
	       (u64)reply->offset + reply->length <= cmd->out_length;
}

static bool tgt_cmd_reply_valid(struct tgt_attachment *att, const struct tgt_ring_reply *reply,
				const struct tgt_cmd *cmd)
{
	if (!tgt_segments_valid(att, reply))
		return false;
	if (reply->op == TGT_REPLY_GET_DATA)
		return tgt_get_data_valid(reply, cmd);
	return reply->op == TGT_REPLY_DONE && !(reply->flags & ~TGT_REPLY_F_ABORTED) &&
	       reply->length <= cmd->in_length;
}

static bool tgt_other_reply_valid(const struct tgt_ring_reply *reply)
{
	return reply->op == TGT_REPLY_DONE && !reply->segment_count && !reply->flags &&
	       reply->response <= TGT_RESPONSE_REJECTED;
}

/* The segments of the copy are the command's from now on. */
static void tgt_cmd_give(struct tgt_attachment *att, struct tgt_cmd_request *creq,
			 unsigned int count)
{
	creq->cmd.sg = tgt_segments_list(creq, count);
	creq->cmd.sg_count = count;
	creq->cmd.length = att->reply.length;
	if (!count)
		return;
	tgt_attachment_get(att);
	creq->segments_of = att;
}

static void tgt_get_data(struct tgt_attachment *att, struct tgt_cmd_request *creq,
			 unsigned int count, struct list_head *todo)
{
	tgt_cmd_give(att, creq, count);
	creq->cmd.offset = att->reply.offset;
	creq->req.state = TGT_DATA;
	creq->req.action = TGT_ACT_GET_DATA;
	list_add_tail(&creq->req.link, todo);
}

static void tgt_cmd_done(struct tgt_attachment *att, struct tgt_cmd_request *creq,
			 unsigned int count, struct list_head *todo)
{
	const struct tgt_ring_reply *reply = &att->reply;
	bool aborted = reply->flags & TGT_REPLY_F_ABORTED;
	struct tgt_cmd *cmd = &creq->cmd;

	tgt_cmd_give(att, creq, count);
	cmd->offset = 0;
	cmd->status = reply->status;
	cmd->in_total = reply->in_total;
	cmd->out_total = reply->out_total;
	cmd->sense_length = reply->sense_length;
	memcpy(cmd->sense, reply->sense, reply->sense_length);
	creq->req.sent_due = count;
	creq->req.posted = false;
	creq->req.state = TGT_ENDED;
	creq->req.action = aborted ? TGT_ACT_ABORTED : TGT_ACT_RESPOND;
	list_add_tail(&creq->req.link, todo);
	tgt_cmd_count_end(att->queue, &creq->req, aborted);
	if (!aborted) {
		att->queue->stats.in_bytes += reply->length;
		creq->req.nexus->stats.in_bytes += reply->length;
	}
}

/* The driver has it no more, or aborted() is on its way: nobody hears of the answer. */
static void tgt_cmd_late(struct tgt_attachment *att, struct tgt_request *req)
{
	if (att->reply.op == TGT_REPLY_GET_DATA) {
		tgt_event_put(att, req->tag, TGT_EVENT_DATA, -ECANCELED);
		return;
	}
	req->posted = false;
	if (req->state == TGT_GONE)
		tgt_request_recycle(att->queue, req);
	if (att->reply.segment_count)
		tgt_event_put(att, req->tag, TGT_EVENT_SENT, 0);
}

static int tgt_cmd_reply(struct tgt_attachment *att, struct tgt_request *req, unsigned int count,
			 struct list_head *todo)
{
	struct tgt_cmd_request *creq = tgt_cmd_request(req);

	if (req->state == TGT_DATA)
		return TGT_BROKEN;
	if (req->state != TGT_POSTED)
		tgt_cmd_late(att, req);
	else if (att->reply.op == TGT_REPLY_GET_DATA)
		tgt_get_data(att, creq, count, todo);
	else
		tgt_cmd_done(att, creq, count, todo);
	return TGT_TAKEN;
}

static void tgt_task_reply(struct tgt_attachment *att, struct tgt_request *req,
			   struct list_head *todo)
{
	req->posted = false;
	if (req->state == TGT_GONE) {
		tgt_request_recycle(att->queue, req);
	} else if (req->state == TGT_POSTED) {
		tgt_task_request(req)->response = att->reply.response;
		req->state = TGT_ENDED;
		req->action = TGT_ACT_TASK_DONE;
		list_add_tail(&req->link, todo);
	}
}

static int tgt_reply_act(struct tgt_attachment *att, struct tgt_request *req, unsigned int count,
			 struct list_head *todo)
{
	if (req->type == TGT_DESC_COMMAND)
		return tgt_cmd_reply(att, req, count, todo);
	if (req->type == TGT_DESC_TASK) {
		tgt_task_reply(att, req, todo);
	} else {
		tgt_nexus_told(att->queue, req);
		tgt_publish(att->queue);	/* others wait for the descriptor */
	}
	return TGT_TAKEN;
}

/* What the daemon owes, and how far it is. */
struct tgt_owed {
	struct tgt_request *req;
	u8 type;
	u8 state;
};

/* TGT_TAKEN without a request: a late answer. */
static int tgt_reply_owed(struct tgt_attachment *att, u32 tag, struct tgt_owed *owed)
{
	struct tgt_queue *queue = att->queue;
	struct tgt_request *req;
	int rc = TGT_TAKEN;

	*owed = (struct tgt_owed){};
	spin_lock_irq(&queue->lock);
	req = queue->by_tag[tag];
	if (att->over)
		rc = TGT_OVER;
	else if (req && req->posted && req->id == att->reply.id)
		*owed = (struct tgt_owed){ .req = req, .type = req->type, .state = req->state };
	else
		queue->stats.stale_replies++;
	spin_unlock_irq(&queue->lock);
	return rc;
}

/*
 * With queue->run, without queue->lock: only a reply ends `posted`, so that what
 * is owed stays owed meanwhile, unless the attachment ends. Of the state only
 * the driver's share changes: from DATA to POSTED, from there to ENDED, to GONE.
 */
static int tgt_reply_check(struct tgt_attachment *att, u32 tag, const struct tgt_owed *owed,
			   unsigned int *count)
{
	struct tgt_cmd_request *creq = tgt_cmd_request(owed->req);

	*count = 0;
	if (!tgt_reply_copy_rest(att, tag))
		return TGT_BROKEN;
	if (owed->type != TGT_DESC_COMMAND)
		return tgt_other_reply_valid(&att->reply) ? TGT_TAKEN : TGT_BROKEN;
	if (owed->state == TGT_DATA || !tgt_cmd_reply_valid(att, &att->reply, &creq->cmd))
		return TGT_BROKEN;
	if (owed->state == TGT_POSTED)
		return tgt_segments_map(att, &att->reply, creq, count) ? TGT_NOT_NOW : TGT_TAKEN;
	return TGT_TAKEN;
}

static int tgt_reply_take(struct tgt_attachment *att, u32 tag, struct list_head *todo)
{
	struct tgt_queue *queue = att->queue;
	struct tgt_owed owed;
	unsigned int count;
	int rc;

	tgt_reply_copy_head(att, tag);
	rc = tgt_reply_owed(att, tag, &owed);
	if (!owed.req)
		return rc;
	rc = tgt_reply_check(att, tag, &owed, &count);
	if (rc != TGT_TAKEN)
		return rc;
	spin_lock_irq(&queue->lock);
	rc = att->over ? TGT_OVER : tgt_reply_act(att, owed.req, count, todo);
	spin_unlock_irq(&queue->lock);
	return rc;
}

/* Replies up to a batch. TGT_TAKEN: there may be more. 0: there are none. */
static int tgt_replies_take(struct tgt_attachment *att, struct list_head *todo)
{
	int rc = TGT_TAKEN;
	unsigned int i;
	u32 head;

	/* The daemon has written the slots before. */
	head = smp_load_acquire(&att->user->reply_head);
	if (head - att->reply_tail > att->entries)
		return TGT_BROKEN;
	for (i = 0; i < TGT_BATCH && att->reply_tail != head; i++) {
		u32 tag = READ_ONCE(att->replies[att->reply_tail & (att->entries - 1)]);

		if (tag >= att->tags)
			return TGT_BROKEN;
		rc = tgt_reply_take(att, array_index_nospec(tag, att->tags), todo);
		if (rc != TGT_TAKEN)
			break;
		WRITE_ONCE(att->reply_tail, att->reply_tail + 1);
	}
	/* We have read the slots before. */
	smp_store_release(&att->header->reply_tail, att->reply_tail);
	return rc == TGT_TAKEN && att->reply_tail == head ? 0 : rc;
}

static void tgt_reply_broken(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;

	spin_lock_irq(&queue->lock);
	if (!att->over)
		queue->stats.bad_replies++;
	tgt_attachment_over(att, TGT_NL_DETACH_BROKEN);
	spin_unlock_irq(&queue->lock);
}

static void tgt_retry_later(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;

	spin_lock_irq(&queue->lock);
	if (!att->over && queue_delayed_work(tgt_wq, &att->retry, TGT_RETRY))
		tgt_attachment_get(att);
	spin_unlock_irq(&queue->lock);
}

static bool tgt_replies_begin(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;
	bool live;

	spin_lock_irq(&queue->lock);
	live = !att->over;
	if (live) {
		queue->running++;
		queue->stats.kicks++;
	}
	spin_unlock_irq(&queue->lock);
	return live;
}

/* False: the attachment is over. */
static bool tgt_replies_end(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;
	bool live;

	spin_lock_irq(&queue->lock);
	live = !att->over;
	if (!--queue->running)
		wake_up_all(&queue->host->wait);
	spin_unlock_irq(&queue->lock);
	return live;
}

/*
 * Acts on the replies there are, and calls the ops for them. A daemon that adds
 * to them all the time is left after a round of the ring.
 */
int tgt_replies_run(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;
	u32 rounds = att->entries / TGT_BATCH + 1;
	int rc = TGT_TAKEN;

	if (!tgt_replies_begin(att))
		return -ESHUTDOWN;
	while (rc == TGT_TAKEN && rounds--) {
		unsigned int noio = memalloc_noio_save();
		LIST_HEAD(todo);

		mutex_lock(&queue->run);
		rc = tgt_replies_take(att, &todo);
		mutex_unlock(&queue->run);
		if (rc == TGT_BROKEN)
			tgt_reply_broken(att);
		else if (rc == TGT_NOT_NOW)
			tgt_retry_later(att);
		tgt_run(&todo);
		memalloc_noio_restore(noio);
		cond_resched();
	}
	return tgt_replies_end(att) ? 0 : -ESHUTDOWN;
}

void tgt_retry_work(struct work_struct *work)
{
	struct tgt_attachment *att =
		container_of(to_delayed_work(work), struct tgt_attachment, retry);

	tgt_replies_run(att);
	tgt_attachment_put(att);
}
