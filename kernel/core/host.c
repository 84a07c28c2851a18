// SPDX-License-Identifier: GPL-2.0-only
/* Hosts: the table of all, and their coming and going. */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ring.h"

static DEFINE_MUTEX(tgt_hosts_mutex);
static DEFINE_IDR(tgt_hosts);

static void tgt_host_release(struct kref *ref)
{
	struct tgt_host *host = container_of(ref, struct tgt_host, ref);
	u32 i;

	for (i = 0; i < host->queue_count; i++)
		if (host->queues[i].host)
			tgt_queue_release(&host->queues[i]);
	idr_destroy(&host->nexuses);
	kfree(host->port_name);
	kvfree(host);
}

/* The last one is never put with a lock held: whoever has the lock has a host. */
void tgt_host_put(struct tgt_host *host)
{
	kref_put(&host->ref, tgt_host_release);
}

struct tgt_host *tgt_host_get(u32 number)
{
	struct tgt_host *host;

	mutex_lock(&tgt_hosts_mutex);
	host = number <= INT_MAX ? idr_find(&tgt_hosts, number) : NULL;
	if (host)
		kref_get(&host->ref);
	mutex_unlock(&tgt_hosts_mutex);
	return host;
}

struct tgt_host *tgt_host_next(u32 after)
{
	int number = after + 1;
	struct tgt_host *host;

	mutex_lock(&tgt_hosts_mutex);
	host = after < INT_MAX ? idr_get_next(&tgt_hosts, &number) : NULL;
	if (host)
		kref_get(&host->ref);
	mutex_unlock(&tgt_hosts_mutex);
	return host;
}

bool tgt_host_enter(struct tgt_host *host)
{
	bool entered;

	mutex_lock(&tgt_hosts_mutex);
	entered = !host->dying;
	if (entered)
		host->users++;
	mutex_unlock(&tgt_hosts_mutex);
	return entered;
}

void tgt_host_leave(struct tgt_host *host)
{
	mutex_lock(&tgt_hosts_mutex);
	if (!--host->users)
		wake_up_all(&host->wait);
	mutex_unlock(&tgt_hosts_mutex);
}

void tgt_host_stats(struct tgt_host *host, struct tgt_stats *sum)
{
	struct tgt_queue_info info;
	u64 *to = (u64 *)sum;
	u64 *from = (u64 *)&info.stats;
	size_t n;
	u32 i;

	BUILD_BUG_ON(sizeof(*sum) % sizeof(u64));
	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < host->queue_count; i++) {
		tgt_queue_info(&host->queues[i], &info);
		for (n = 0; n < sizeof(*sum) / sizeof(u64); n++)
			to[n] += from[n];
	}
}

u32 tgt_host_nexus_count(struct tgt_host *host)
{
	return READ_ONCE(host->nexus_count);
}

void *tgt_host_priv(struct tgt_host *host)
{
	return host->priv;
}
EXPORT_SYMBOL_GPL(tgt_host_priv);

u32 tgt_host_number(struct tgt_host *host)
{
	return host->number;
}
EXPORT_SYMBOL_GPL(tgt_host_number);

bool tgt_host_served(struct tgt_host *host)
{
	return atomic_read(&host->attached) == host->queue_count;
}
EXPORT_SYMBOL_GPL(tgt_host_served);

/* --- coming --- */

static bool tgt_setup_valid(const struct tgt_host_setup *setup)
{
	const struct tgt_host_ops *ops = setup->ops;

	return ops && ops->name && ops->get_data && ops->respond && ops->aborted &&
	       ops->task_done && setup->queues && setup->queues <= TGT_MAX_QUEUES &&
	       setup->depth && setup->depth <= TGT_MAX_DEPTH && setup->number <= INT_MAX;
}

static struct tgt_host *tgt_host_new(const struct tgt_host_setup *setup)
{
	struct tgt_host *host = kvzalloc(struct_size(host, queues, setup->queues), GFP_KERNEL);
	u32 i;

	if (!host)
		return NULL;
	kref_init(&host->ref);
	host->ops = setup->ops;
	strscpy(host->lld, setup->ops->name, sizeof(host->lld));
	host->scsi_host = setup->scsi_host;
	host->depth = setup->depth;
	host->queue_count = setup->queues;
	host->cmd_stride = ALIGN(struct_size((struct tgt_cmd_request *)NULL, priv, 0) +
				 setup->ops->cmd_priv_size, L1_CACHE_BYTES);
	host->priv = setup->priv;
	mutex_init(&host->mutex);
	init_waitqueue_head(&host->wait);
	spin_lock_init(&host->table_lock);
	idr_init(&host->nexuses);
	host->port_name = kstrdup(setup->port_name ?: "", GFP_KERNEL);
	if (!host->port_name)
		goto failed;
	for (i = 0; i < host->queue_count; i++)
		if (tgt_queue_init(&host->queues[i], host, i))
			goto failed;
	return host;

failed:
	tgt_host_put(host);
	return NULL;
}

/* Takes the number; nobody finds the host yet. */
static int tgt_host_take_number(struct tgt_host *host, u32 wanted)
{
	int number;

	mutex_lock(&tgt_hosts_mutex);
	number = idr_alloc(&tgt_hosts, NULL, wanted ?: 1, wanted ? wanted + 1 : 0, GFP_KERNEL);
	mutex_unlock(&tgt_hosts_mutex);
	if (number < 0)
		return number == -ENOSPC && wanted ? -EEXIST : number;
	host->number = number;
	return 0;
}

static void tgt_host_show(struct tgt_host *host, struct tgt_host *as)
{
	mutex_lock(&tgt_hosts_mutex);
	idr_replace(&tgt_hosts, as, host->number);
	host->dying = !as;
	mutex_unlock(&tgt_hosts_mutex);
}

struct tgt_host *tgt_host_register(const struct tgt_host_setup *setup)
{
	struct tgt_host *host;
	int rc;

	if (!tgt_setup_valid(setup))
		return ERR_PTR(-EINVAL);
	host = tgt_host_new(setup);
	if (!host)
		return ERR_PTR(-ENOMEM);
	rc = tgt_host_take_number(host, setup->number);
	if (rc) {
		tgt_host_put(host);
		return ERR_PTR(rc);
	}
	tgt_host_show(host, host);
	tgt_debugfs_host_added(host);
	tgt_nl_host_added(host);
	return host;
}
EXPORT_SYMBOL_GPL(tgt_host_register);

/* --- going --- */

static bool tgt_queue_idle(struct tgt_queue *queue)
{
	bool idle;

	spin_lock_irq(&queue->lock);
	idle = !queue->live && !queue->running && list_empty(&queue->nexuses);
	spin_unlock_irq(&queue->lock);
	return idle;
}

static void tgt_queue_stop(struct tgt_queue *queue)
{
	struct tgt_attachment *att;

	spin_lock_irq(&queue->lock);
	att = queue->att;
	if (att) {
		tgt_attachment_get(att);
		tgt_attachment_over(att, TGT_NL_DETACH_HOST_GONE);
	}
	spin_unlock_irq(&queue->lock);
	if (att) {
		flush_work(&att->over_work);	/* told before the host's end is */
		tgt_attachment_put(att);
	}
	wait_event(queue->host->wait, tgt_queue_idle(queue));
	cancel_work_sync(&queue->work);
	cancel_delayed_work_sync(&queue->timeout);
}

void tgt_host_unregister(struct tgt_host *host)
{
	u32 i;

	/* From here on nobody attaches: begin() looks at `dying` under queue->lock. */
	tgt_host_show(host, NULL);
	wait_event(host->wait, !READ_ONCE(host->users));
	for (i = 0; i < host->queue_count; i++)
		tgt_queue_stop(&host->queues[i]);
	tgt_debugfs_host_removed(host);
	tgt_nl_host_removed(host);
	mutex_lock(&tgt_hosts_mutex);
	idr_remove(&tgt_hosts, host->number);
	mutex_unlock(&tgt_hosts_mutex);
	host->ops = NULL;
	tgt_host_put(host);
}
EXPORT_SYMBOL_GPL(tgt_host_unregister);
