// SPDX-License-Identifier: GPL-2.0-only
/* The life of an attachment. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/list_sort.h>
#include <linux/log2.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ring.h"

static void tgt_over_work(struct work_struct *work)
{
	struct tgt_attachment *att = container_of(work, struct tgt_attachment, over_work);
	unsigned int noio = memalloc_noio_save();

	if (att->reason == TGT_NL_DETACH_BROKEN)
		pr_notice_ratelimited("host %u queue %u: process %d broke the rules of the ring\n",
				      att->queue->host->number, att->queue->index, att->pid);
	tgt_nl_queue_detached(att->queue, att->pid, att->reason);
	memalloc_noio_restore(noio);
	tgt_attachment_put(att);
}

static void tgt_attachment_free(struct tgt_attachment *att)
{
	tgt_region_free(&att->data);
	tgt_region_free(&att->user_side);
	tgt_region_free(&att->kernel);
	tgt_host_put(att->queue->host);
	kfree(att);
}

static void tgt_free_work(struct work_struct *work)
{
	tgt_attachment_free(container_of(work, struct tgt_attachment, free_work));
}

static void tgt_attachment_release(struct kref *ref)
{
	struct tgt_attachment *att = container_of(ref, struct tgt_attachment, ref);

	/* Freeing sleeps; the last one may be a driver's interrupt. */
	queue_work(tgt_wq, &att->free_work);
}

void tgt_attachment_get(struct tgt_attachment *att)
{
	kref_get(&att->ref);
}

void tgt_attachment_put(struct tgt_attachment *att)
{
	if (att)
		kref_put(&att->ref, tgt_attachment_release);
}

static int tgt_attachment_memory(struct tgt_attachment *att)
{
	size_t events = sizeof(struct tgt_ring_header);
	size_t descs = events + att->entries * sizeof(struct tgt_ring_event);
	size_t kernel_bytes = descs + att->tags * sizeof(struct tgt_ring_desc);
	size_t replies = sizeof(struct tgt_ring_user);
	size_t slots = ALIGN(replies + att->entries * sizeof(u32), 64);
	size_t user_bytes = slots + att->tags * sizeof(struct tgt_ring_reply);
	struct tgt_ring_header *header;
	int rc;

	rc = tgt_region_alloc(&att->kernel, kernel_bytes);
	if (!rc)
		rc = tgt_region_alloc(&att->user_side, user_bytes);
	if (!rc)
		rc = tgt_region_alloc_data(&att->data, att->data_bytes);
	if (rc)
		return rc;
	header = att->kernel.memory;
	att->header = header;
	att->events = att->kernel.memory + events;
	att->descs = att->kernel.memory + descs;
	att->user = att->user_side.memory;
	att->replies = att->user_side.memory + replies;
	att->slots = att->user_side.memory + slots;
	header->magic = TGT_RING_MAGIC;
	header->version = TGT_RING_VERSION;
	header->host = att->queue->host->number;
	header->queue = att->queue->index;
	header->tags = att->tags;
	header->ring_entries = att->entries;
	header->event_offset = events;
	header->desc_offset = descs;
	header->desc_size = sizeof(struct tgt_ring_desc);
	header->reply_offset = replies;
	header->slot_offset = slots;
	header->slot_size = sizeof(struct tgt_ring_reply);
	header->data_bytes = att->data_bytes;
	return 0;
}

/* Not yet at the queue. Takes a reference to the host. */
struct tgt_attachment *tgt_attachment_new(struct tgt_queue *queue, u64 data_bytes)
{
	struct tgt_attachment *att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!att)
		return ERR_PTR(-ENOMEM);
	kref_init(&att->ref);
	kref_get(&queue->host->ref);
	att->queue = queue;
	att->pid = task_tgid_nr(current);
	init_waitqueue_head(&att->wait);
	INIT_DELAYED_WORK(&att->retry, tgt_retry_work);
	INIT_WORK(&att->over_work, tgt_over_work);
	INIT_WORK(&att->free_work, tgt_free_work);
	att->tags = queue->tags;
	/* At most two events and one reply of each tag are on their way. */
	att->entries = roundup_pow_of_two(2 * att->tags);
	att->data_bytes = data_bytes;
	rc = tgt_attachment_memory(att);
	if (rc) {
		tgt_attachment_free(att);
		return ERR_PTR(rc);
	}
	att->number = atomic64_inc_return(&queue->host->attachments);
	att->header->attachment = att->number;
	return att;
}

static int tgt_by_id(void *unused, const struct list_head *a, const struct list_head *b)
{
	u64 left = list_entry(a, struct tgt_request, link)->id;
	u64 right = list_entry(b, struct tgt_request, link)->id;

	return left < right ? -1 : left > right;
}

/* The daemon learns of the nexuses first, then of what others left behind, in order. */
int tgt_attachment_begin(struct tgt_attachment *att)
{
	struct tgt_queue *queue = att->queue;
	struct tgt_nexus *nexus;
	LIST_HEAD(arrivals);

	spin_lock_irq(&queue->lock);
	if (queue->att || READ_ONCE(queue->host->dying)) {
		int rc = queue->att ? -EBUSY : -ENODEV;

		spin_unlock_irq(&queue->lock);
		return rc;
	}
	tgt_attachment_get(att);
	queue->att = att;
	atomic_inc(&queue->host->attached);
	list_for_each_entry(nexus, &queue->nexuses, on_queue)
		tgt_nexus_announce(queue, nexus, &arrivals);
	list_sort(NULL, &queue->waiting, tgt_by_id);
	list_splice(&arrivals, &queue->waiting);
	tgt_publish(queue);
	spin_unlock_irq(&queue->lock);
	tgt_nl_queue_attached(queue, att->pid);
	return 0;
}

/* Whether the daemon had taken the event that made the request known to it. */
static bool tgt_request_seen(struct tgt_attachment *att, struct tgt_request *req, u32 tail)
{
	u32 not_taken = (u32)att->event_head - tail;

	if (not_taken > att->entries)
		return true;	/* it lies: assume the worse */
	return att->event_head - req->event_at > not_taken;
}

/* The daemon will not answer it any more. */
static void tgt_request_unpost(struct tgt_attachment *att, struct tgt_request *req, u32 tail)
{
	struct tgt_queue *queue = att->queue;

	req->posted = false;
	if (req->type == TGT_DESC_NEXUS_ARRIVED || req->type == TGT_DESC_NEXUS_LEFT) {
		tgt_nexus_told(queue, req);
		return;
	}
	req->flags |= TGT_DESC_F_REDELIVERED;
	if (tgt_request_seen(att, req, tail))
		req->flags |= TGT_DESC_F_SEEN;
	if (req->state == TGT_POSTED)
		tgt_request_wait(queue, req);
	else if (req->state == TGT_GONE)
		tgt_request_recycle(queue, req);
}

/*
 * What the daemon had not ended waits for the next one; what a driver works on
 * comes there when it is done with it.
 */
void tgt_attachment_over(struct tgt_attachment *att, enum tgt_nl_detach_reason reason)
{
	struct tgt_queue *queue = att->queue;
	u32 tail = READ_ONCE(att->user->event_tail);
	struct tgt_request *req, *next;
	u32 tag;

	lockdep_assert_held(&queue->lock);
	if (att->over || queue->att != att)
		return;
	att->over = true;
	att->reason = reason;
	queue->att = NULL;
	queue->left_at = get_jiffies_64();
	atomic_dec(&queue->host->attached);
	list_for_each_entry_safe(req, next, &queue->waiting, link) {
		if (req->type == TGT_DESC_NEXUS_ARRIVED || req->type == TGT_DESC_NEXUS_LEFT) {
			list_del_init(&req->link);
			tgt_nexus_told(queue, req);
		}
	}
	for (tag = 0; tag < queue->tags; tag++) {
		req = queue->by_tag[tag];
		if (req && req->posted)
			tgt_request_unpost(att, req, tail);
	}
	tgt_timeout_arm(queue);
	if (cancel_delayed_work(&att->retry))
		tgt_attachment_put(att);
	wake_up_all(&att->wait);
	queue_work(tgt_wq, &att->over_work);	/* with the queue's reference */
}

void tgt_attachment_end(struct tgt_attachment *att, enum tgt_nl_detach_reason reason)
{
	unsigned long flags;

	spin_lock_irqsave(&att->queue->lock, flags);
	tgt_attachment_over(att, reason);
	spin_unlock_irqrestore(&att->queue->lock, flags);
}
