// SPDX-License-Identifier: GPL-2.0-only
/*
 * Towards the daemon: events and descriptors. Requests get their place in the
 * order in which they wait, so that a nexus is known before its commands.
 */
#include <linux/poll.h>
#include <linux/string.h>

#include "ring.h"

/* Puts the event; tgt_ring_advance() shows it. False: the daemon is over. */
static bool tgt_event_write(struct tgt_attachment *att, u32 tag, enum tgt_ring_event_type type,
			    int result)
{
	struct tgt_ring_event *event = &att->events[att->event_head & (att->entries - 1)];

	/* The ring has room for all that a daemon is owed which plays by the rules. */
	if ((u32)att->event_head - READ_ONCE(att->user->event_tail) >= att->entries) {
		att->queue->stats.bad_replies++;
		tgt_attachment_over(att, TGT_NL_DETACH_BROKEN);
		return false;
	}
	event->tag = tag;
	event->type = type;
	event->result = result;
	att->event_head++;
	return true;
}

/* Makes the events visible; wakes the daemon when it sleeps. */
static void tgt_ring_advance(struct tgt_attachment *att)
{
	/* The daemon finds events and descriptors written. */
	smp_store_release(&att->header->event_head, (u32)att->event_head);
	/* The daemon sets event_wait, then looks at event_head: so one of us sees the other. */
	smp_mb();
	if (!READ_ONCE(att->user->event_wait))
		return;
	att->queue->stats.wakeups++;
	wake_up_poll(&att->wait, EPOLLIN | EPOLLRDNORM);
}

void tgt_event_put(struct tgt_attachment *att, u32 tag, enum tgt_ring_event_type type, int result)
{
	lockdep_assert_held(&att->queue->lock);
	if (tgt_event_write(att, tag, type, result))
		tgt_ring_advance(att);
}

static void tgt_desc_cmd(struct tgt_ring_desc *desc, struct tgt_request *req)
{
	const struct tgt_cmd *cmd = &tgt_cmd_request(req)->cmd;

	desc->attribute = cmd->attribute;
	desc->in_length = cmd->in_length;
	desc->out_length = cmd->out_length;
	desc->cdb_length = cmd->cdb_length;
	memcpy(desc->lun, cmd->lun, sizeof(desc->lun));
	memcpy(desc->cdb, cmd->cdb, cmd->cdb_length);
}

static void tgt_desc_task(struct tgt_ring_desc *desc, struct tgt_request *req)
{
	const struct tgt_task *task = tgt_task_request(req)->task;

	desc->function = task->function;
	desc->ref_id = task->ref_id;
	memcpy(desc->lun, task->lun, sizeof(desc->lun));
}

static void tgt_desc_nexus(struct tgt_ring_desc *desc, struct tgt_request *req)
{
	const struct tgt_nexus *nexus = req->nexus;

	if (req->type != TGT_DESC_NEXUS_ARRIVED)
		return;
	desc->name_length = strlen(nexus->name);
	memcpy(desc->nexus_info.name, nexus->name, desc->name_length);
	memcpy(desc->nexus_info.transport_id, nexus->transport_id,
	       sizeof(desc->nexus_info.transport_id));
	if (!nexus->has_transport_id)
		desc->nexus_info.transport_id[0] = 0xff;
}

static void tgt_desc_fill(struct tgt_ring_desc *desc, struct tgt_request *req)
{
	memset(desc, 0, sizeof(*desc));
	desc->tag = req->tag;
	desc->type = req->type;
	desc->flags = req->flags;
	desc->id = req->id;
	desc->nexus = req->nexus->number;
	if (req->type == TGT_DESC_COMMAND)
		tgt_desc_cmd(desc, req);
	else if (req->type == TGT_DESC_TASK)
		tgt_desc_task(desc, req);
	else
		tgt_desc_nexus(desc, req);
}

/* Only nexuses have to wait for a descriptor; everything behind waits with them. */
static bool tgt_request_tag(struct tgt_queue *queue, struct tgt_request *req)
{
	unsigned int bit;

	if (req->tag != TGT_NO_TAG)
		return true;
	bit = ffz(queue->nexus_tags);
	if (bit >= TGT_NEXUS_TAGS)
		return false;
	queue->nexus_tags |= 1ul << bit;
	req->tag = queue->tags - TGT_NEXUS_TAGS + bit;
	queue->by_tag[req->tag] = req;
	return true;
}

void tgt_publish(struct tgt_queue *queue)
{
	struct tgt_attachment *att = queue->att;
	bool any = false;

	lockdep_assert_held(&queue->lock);
	while (att && !list_empty(&queue->waiting)) {
		struct tgt_request *req =
			list_first_entry(&queue->waiting, struct tgt_request, link);

		if (!tgt_request_tag(queue, req))
			break;
		tgt_desc_fill(&att->descs[req->tag], req);
		req->event_at = att->event_head;
		list_del_init(&req->link);
		req->state = TGT_POSTED;
		req->posted = true;
		if (req->flags & TGT_DESC_F_REDELIVERED)
			queue->stats.redelivered++;
		if (!tgt_event_write(att, req->tag, TGT_EVENT_NEW, 0))
			return;		/* everything waits again */
		any = true;
	}
	if (any)
		tgt_ring_advance(att);
}
