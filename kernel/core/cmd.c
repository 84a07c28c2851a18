// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands. What happens to one in which state (all under queue->lock):
 *
 *   state      event         next
 *   FREE       alloc         ALLOCATED
 *   ALLOCATED  submit        WAITING, and POSTED as soon as a daemon is there
 *               dropped      ENDED, aborted() follows
 *              drop          ALLOCATED, `dropped`
 *              free          FREE
 *   WAITING    publish       POSTED: a descriptor and TGT_EVENT_NEW tell of it
 *              drop          ENDED, aborted() follows
 *              timeout       ENDED, respond() with BUSY follows
 *   POSTED     GET_DATA      DATA, get_data() follows
 *              DONE          ENDED, respond() or aborted() follows
 *              drop          ENDED, aborted() follows; `posted` stays
 *              daemon gone   WAITING, with TGT_DESC_F_REDELIVERED
 *   DATA       data_done     POSTED, with TGT_EVENT_DATA
 *               dropped      ENDED, aborted() follows
 *               not posted   WAITING: the daemon went meanwhile
 *              drop          DATA, `dropped`
 *              daemon gone   DATA, not `posted`
 *              GET_DATA,     the daemon breaks the rules
 *              DONE
 *   ENDED      free          FREE; GONE while `posted`
 *              daemon gone   ENDED, not `posted`
 *   GONE       DONE          FREE
 *              daemon gone   FREE
 *
 * `posted`: the daemon owes the DONE of a descriptor; only then its reply counts.
 * Of what it says of a command that was dropped (ENDED or GONE, and `posted`)
 * nobody hears: GET_DATA is answered with -ECANCELED, segments of DONE are given
 * back at once.
 * The end of a nexus and of a host drop their commands.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "ring.h"

static struct tgt_request *tgt_request_of(struct tgt_cmd *cmd)
{
	return &container_of(cmd, struct tgt_cmd_request, cmd)->req;
}

static void tgt_cmd_fresh(struct tgt_cmd_request *creq, struct tgt_nexus *nexus)
{
	struct tgt_host *host = nexus->host;
	struct tgt_cmd *cmd = &creq->cmd;

	creq->req.state = TGT_ALLOCATED;
	creq->req.action = TGT_ACT_NONE;
	creq->req.flags = 0;
	creq->req.dropped = false;
	creq->req.sent_due = false;
	creq->req.nexus = nexus;
	creq->req.id = atomic64_inc_return(&host->next_id);
	memset(cmd, 0, sizeof(*cmd));
	cmd->id = creq->req.id;
	cmd->nexus = nexus;
	cmd->priv = creq->priv;
	memset(creq->priv, 0, host->ops->cmd_priv_size);
}

struct tgt_cmd *tgt_cmd_alloc(struct tgt_nexus *nexus)
{
	struct tgt_queue *queue = nexus->queue;
	struct tgt_cmd_request *creq = NULL;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (list_empty(&queue->free_cmds)) {
		queue->stats.full++;
		nexus->stats.full++;
	} else if (!nexus->dying) {
		creq = list_first_entry(&queue->free_cmds, struct tgt_cmd_request, req.link);
		list_del_init(&creq->req.link);
		tgt_cmd_fresh(creq, nexus);
		nexus->live++;
		queue->live++;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return creq ? &creq->cmd : NULL;
}
EXPORT_SYMBOL_GPL(tgt_cmd_alloc);

void tgt_cmd_submit(struct tgt_cmd *cmd)
{
	struct tgt_request *req = tgt_request_of(cmd);
	struct tgt_queue *queue = cmd->nexus->queue;
	unsigned long flags;

	if (WARN_ON_ONCE(cmd->cdb_length > TGT_RING_MAX_CDB))
		cmd->cdb_length = TGT_RING_MAX_CDB;
	spin_lock_irqsave(&queue->lock, flags);
	if (WARN_ON_ONCE(req->state != TGT_ALLOCATED))
		goto out;
	queue->stats.commands++;
	queue->stats.active++;
	req->nexus->stats.commands++;
	req->nexus->stats.active++;
	tgt_request_wait(queue, req);
	if (req->nexus->dying || req->dropped)
		tgt_cmd_abort(queue, req);
	else if (queue->att)
		tgt_publish(queue);
	else
		tgt_timeout_arm(queue);
out:
	spin_unlock_irqrestore(&queue->lock, flags);
}
EXPORT_SYMBOL_GPL(tgt_cmd_submit);

void tgt_cmd_count_end(struct tgt_queue *queue, struct tgt_request *req, bool aborted)
{
	queue->stats.active--;
	req->nexus->stats.active--;
	if (aborted) {
		queue->stats.aborted++;
		req->nexus->stats.aborted++;
	}
}

void tgt_cmd_abort(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	switch (req->state) {
	case TGT_WAITING:
		list_del_init(&req->link);
		fallthrough;
	case TGT_POSTED:
		tgt_cmd_clear(tgt_cmd_request(req));
		tgt_cmd_count_end(queue, req, true);
		tgt_request_end(queue, req, TGT_ACT_ABORTED);
		break;
	case TGT_ALLOCATED:
	case TGT_DATA:
		req->dropped = true;
		break;
	default:
		break;
	}
}

void tgt_cmd_drop(struct tgt_cmd *cmd)
{
	struct tgt_queue *queue = cmd->nexus->queue;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	tgt_cmd_abort(queue, tgt_request_of(cmd));
	spin_unlock_irqrestore(&queue->lock, flags);
}
EXPORT_SYMBOL_GPL(tgt_cmd_drop);

/* No data, no sense data: what the driver sees of a command that ends without the daemon. */
void tgt_cmd_clear(struct tgt_cmd_request *creq)
{
	struct tgt_cmd *cmd = &creq->cmd;

	cmd->sg = NULL;
	cmd->sg_count = 0;
	cmd->offset = 0;
	cmd->length = 0;
	cmd->status = 0;
	cmd->sense_length = 0;
	cmd->in_total = 0;
	cmd->out_total = 0;
}

static void tgt_data_answer(struct tgt_queue *queue, struct tgt_request *req, int error)
{
	req->state = TGT_POSTED;
	if (req->dropped) {
		tgt_cmd_abort(queue, req);
		error = -ECANCELED;
	}
	if (req->posted) {
		tgt_event_put(queue->att, req->tag, TGT_EVENT_DATA, error);
	} else if (req->state == TGT_POSTED) {
		tgt_request_wait(queue, req);
		tgt_publish(queue);
		tgt_timeout_arm(queue);
	}
}

void tgt_cmd_data_done(struct tgt_cmd *cmd, int error)
{
	struct tgt_request *req = tgt_request_of(cmd);
	struct tgt_cmd_request *creq = tgt_cmd_request(req);
	struct tgt_queue *queue = cmd->nexus->queue;
	struct tgt_attachment *att = NULL;
	unsigned long flags;

	if (WARN_ON_ONCE(error > 0))
		error = -EIO;
	spin_lock_irqsave(&queue->lock, flags);
	if (!WARN_ON_ONCE(req->state != TGT_DATA)) {
		att = creq->segments_of;
		creq->segments_of = NULL;
		if (!error) {
			queue->stats.out_bytes += cmd->length;
			req->nexus->stats.out_bytes += cmd->length;
		}
		tgt_cmd_clear(creq);
		tgt_data_answer(queue, req, error);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	tgt_attachment_put(att);
}
EXPORT_SYMBOL_GPL(tgt_cmd_data_done);

void tgt_cmd_free(struct tgt_cmd *cmd)
{
	struct tgt_request *req = tgt_request_of(cmd);
	struct tgt_cmd_request *creq = tgt_cmd_request(req);
	struct tgt_nexus *nexus = cmd->nexus;
	struct tgt_queue *queue = nexus->queue;
	struct tgt_attachment *att = NULL;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (WARN_ON_ONCE(req->state != TGT_ALLOCATED && req->state != TGT_ENDED))
		goto out;
	att = creq->segments_of;
	creq->segments_of = NULL;
	tgt_request_given_back(queue, req);
	/* Before the tag is in use again: this lock is held till then. */
	if (req->sent_due && queue->att == att)
		tgt_event_put(att, req->tag, TGT_EVENT_SENT, 0);
	tgt_request_released(queue, nexus);
out:
	spin_unlock_irqrestore(&queue->lock, flags);
	tgt_attachment_put(att);
}
EXPORT_SYMBOL_GPL(tgt_cmd_free);
