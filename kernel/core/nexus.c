// SPDX-License-Identifier: GPL-2.0-only
/* I_T nexuses. */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ring.h"

static void tgt_nexus_release(struct kref *ref)
{
	struct tgt_nexus *nexus = container_of(ref, struct tgt_nexus, ref);
	struct tgt_host *host = nexus->host;
	unsigned long flags;

	/* Now the number may be given again: the daemon knows that this one has left. */
	spin_lock_irqsave(&host->table_lock, flags);
	idr_remove(&host->nexuses, nexus->number);
	spin_unlock_irqrestore(&host->table_lock, flags);
	kfree(nexus);
	tgt_host_put(host);
}

void tgt_nexus_put(struct tgt_nexus *nexus)
{
	kref_put(&nexus->ref, tgt_nexus_release);
}

struct tgt_nexus *tgt_nexus_next(struct tgt_host *host, u32 after)
{
	int number = after + 1;
	struct tgt_nexus *nexus;

	spin_lock_irq(&host->table_lock);
	nexus = after < INT_MAX ? idr_get_next(&host->nexuses, &number) : NULL;
	if (nexus)
		kref_get(&nexus->ref);
	spin_unlock_irq(&host->table_lock);
	return nexus;
}

void tgt_nexus_stats(struct tgt_nexus *nexus, struct tgt_stats *stats)
{
	spin_lock_irq(&nexus->queue->lock);
	*stats = nexus->stats;
	spin_unlock_irq(&nexus->queue->lock);
}

void *tgt_nexus_priv(struct tgt_nexus *nexus)
{
	return nexus->priv;
}
EXPORT_SYMBOL_GPL(tgt_nexus_priv);

bool tgt_nexus_served(struct tgt_nexus *nexus)
{
	return READ_ONCE(nexus->queue->att);
}
EXPORT_SYMBOL_GPL(tgt_nexus_served);

/* --- what the daemon hears of them --- */

static void tgt_nexus_tell(struct tgt_queue *queue, struct tgt_request *req, struct list_head *to)
{
	kref_get(&req->nexus->ref);
	req->id = atomic64_inc_return(&queue->host->next_id);
	req->state = TGT_WAITING;
	list_add_tail(&req->link, to);
}

void tgt_nexus_announce(struct tgt_queue *queue, struct tgt_nexus *nexus, struct list_head *to)
{
	tgt_nexus_tell(queue, &nexus->arrived, to);
}

void tgt_nexus_told(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	if (req->tag != TGT_NO_TAG) {
		queue->by_tag[req->tag] = NULL;
		__clear_bit(req->tag - (queue->tags - TGT_NEXUS_TAGS), &queue->nexus_tags);
		req->tag = TGT_NO_TAG;
	}
	req->posted = false;
	req->state = TGT_FREE;
	tgt_nexus_put(req->nexus);
}

/* --- the driver's side --- */

static void tgt_nexus_request(struct tgt_nexus *nexus, struct tgt_request *req, u8 type)
{
	INIT_LIST_HEAD(&req->link);
	req->nexus = nexus;
	req->tag = TGT_NO_TAG;
	req->type = type;
}

/* Takes a number, which nobody finds yet. */
static int tgt_nexus_number(struct tgt_host *host, struct tgt_nexus *nexus)
{
	int number;

	idr_preload(GFP_KERNEL);
	spin_lock_irq(&host->table_lock);
	number = idr_alloc_cyclic(&host->nexuses, NULL, 1, 0, GFP_NOWAIT);
	spin_unlock_irq(&host->table_lock);
	idr_preload_end();
	if (number < 0)
		return number;
	nexus->number = number;
	return 0;
}

static void tgt_nexus_show(struct tgt_host *host, struct tgt_nexus *nexus, bool show)
{
	spin_lock_irq(&host->table_lock);
	idr_replace(&host->nexuses, show ? nexus : NULL, nexus->number);
	host->nexus_count += show ? 1 : -1;
	spin_unlock_irq(&host->table_lock);
}

/* The queue with the fewest; of several the first. */
static struct tgt_queue *tgt_nexus_queue(struct tgt_host *host)
{
	struct tgt_queue *best = &host->queues[0];
	u32 i;

	for (i = 1; i < host->queue_count; i++)
		if (READ_ONCE(host->queues[i].nexus_count) < READ_ONCE(best->nexus_count))
			best = &host->queues[i];
	return best;
}

static void tgt_nexus_begin(struct tgt_host *host, struct tgt_nexus *nexus)
{
	struct tgt_queue *queue;

	mutex_lock(&host->mutex);
	queue = tgt_nexus_queue(host);
	nexus->queue = queue;
	spin_lock_irq(&queue->lock);
	list_add_tail(&nexus->on_queue, &queue->nexuses);
	queue->nexus_count++;
	if (queue->att) {
		tgt_nexus_announce(queue, nexus, &queue->waiting);
		tgt_publish(queue);
	}
	spin_unlock_irq(&queue->lock);
	mutex_unlock(&host->mutex);
}

struct tgt_nexus *tgt_nexus_create(struct tgt_host *host, const char *name,
				   const u8 *transport_id, void *priv)
{
	struct tgt_nexus *nexus;
	int rc;

	if (WARN_ON_ONCE(READ_ONCE(host->dying)))
		return ERR_PTR(-ESHUTDOWN);
	nexus = kzalloc(sizeof(*nexus), GFP_KERNEL);
	if (!nexus)
		return ERR_PTR(-ENOMEM);
	kref_init(&nexus->ref);
	nexus->host = host;
	nexus->priv = priv;
	strscpy(nexus->name, name, sizeof(nexus->name));
	if (transport_id) {
		memcpy(nexus->transport_id, transport_id, sizeof(nexus->transport_id));
		nexus->has_transport_id = true;
	}
	INIT_LIST_HEAD(&nexus->on_queue);
	tgt_nexus_request(nexus, &nexus->arrived, TGT_DESC_NEXUS_ARRIVED);
	tgt_nexus_request(nexus, &nexus->left, TGT_DESC_NEXUS_LEFT);
	rc = tgt_nexus_number(host, nexus);
	if (rc) {
		kfree(nexus);
		return ERR_PTR(rc);
	}
	kref_get(&host->ref);
	tgt_nexus_begin(host, nexus);
	tgt_nexus_show(host, nexus, true);
	tgt_nl_nexus_added(nexus);
	return nexus;
}
EXPORT_SYMBOL_GPL(tgt_nexus_create);

static void tgt_nexus_abort_all(struct tgt_queue *queue, struct tgt_nexus *nexus)
{
	u32 tag;

	for (tag = 0; tag < queue->tags - TGT_NEXUS_TAGS; tag++) {
		struct tgt_request *req = queue->by_tag[tag];

		if (req->nexus != nexus)
			continue;
		if (req->type == TGT_DESC_COMMAND)
			tgt_cmd_abort(queue, req);
		else
			tgt_task_reject(queue, req);
	}
}

static bool tgt_nexus_idle(struct tgt_nexus *nexus)
{
	bool idle;

	spin_lock_irq(&nexus->queue->lock);
	idle = !nexus->live;
	spin_unlock_irq(&nexus->queue->lock);
	return idle;
}

void tgt_nexus_destroy(struct tgt_nexus *nexus)
{
	struct tgt_host *host = nexus->host;
	struct tgt_queue *queue = nexus->queue;

	tgt_nexus_show(host, nexus, false);
	spin_lock_irq(&queue->lock);
	nexus->dying = true;
	list_del_init(&nexus->on_queue);
	queue->nexus_count--;
	tgt_nexus_abort_all(queue, nexus);
	if (nexus->arrived.state == TGT_WAITING) {
		list_del_init(&nexus->arrived.link);
		tgt_nexus_told(queue, &nexus->arrived);
	} else if (queue->att) {
		tgt_nexus_tell(queue, &nexus->left, &queue->waiting);
		tgt_publish(queue);
	}
	spin_unlock_irq(&queue->lock);
	wait_event(host->wait, tgt_nexus_idle(nexus));
	tgt_nl_nexus_removed(nexus);
	tgt_nexus_put(nexus);
}
EXPORT_SYMBOL_GPL(tgt_nexus_destroy);
