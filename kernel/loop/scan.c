// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logical units that come and go. SCSI asks a device many things when it comes
 * and flushes it when it goes, hence from a work. Nothing is asked while nobody
 * would answer: the daemon may tell of a unit a moment before it attaches.
 */
#include <linux/slab.h>

#include "loop.h"

#define LOOP_SCAN_TRIES		240
#define LOOP_SCAN_PAUSE		(HZ / 4)
#define LOOP_MAX_CHANGES	32768	/* each of 16384 units goes and comes */

struct change {
	struct list_head entry;
	u64 lun;
	bool present;
};

/* Takes off what says the same; of a unit that went and came again both stay. */
static struct change *take_same(struct loop_host *loop, const struct change *change)
{
	struct change *old;

	list_for_each_entry(old, &loop->changes, entry) {
		if (old->lun == change->lun && old->present == change->present) {
			list_del(&old->entry);
			loop->change_count--;
			return old;
		}
	}
	return NULL;
}

void loop_lun_changed(struct tgt_host *host, const u8 lun[8], bool present)
{
	struct loop_host *loop = tgt_host_priv(host);
	struct change *change = kmalloc(sizeof(*change), GFP_KERNEL_ACCOUNT);
	struct change *spare;

	if (!change)
		return;
	change->lun = scsilun_to_int((struct scsi_lun *)lun);
	change->present = present;
	spin_lock(&loop->change_lock);
	spare = take_same(loop, change);
	if (loop->change_count < LOOP_MAX_CHANGES) {
		list_add_tail(&change->entry, &loop->changes);
		loop->change_count++;
	} else {
		spare = change;
	}
	loop->scan_tries = 0;
	if (loop->ready)
		mod_delayed_work(system_long_wq, &loop->scan, 0);
	spin_unlock(&loop->change_lock);
	kfree(spare);
}

/* From here on LUNs are looked at; what was told of them earlier, too. */
void loop_scan_begin(struct loop_host *loop)
{
	spin_lock(&loop->change_lock);
	loop->ready = true;
	mod_delayed_work(system_long_wq, &loop->scan, 0);
	spin_unlock(&loop->change_lock);
}

/* The work may go on until it is waited for, but nobody begins it again. */
void loop_scan_end(struct loop_host *loop)
{
	spin_lock(&loop->change_lock);
	loop->ready = false;
	spin_unlock(&loop->change_lock);
}

static struct change *next_change(struct loop_host *loop)
{
	struct change *change;

	spin_lock(&loop->change_lock);
	change = list_first_entry_or_null(&loop->changes, struct change, entry);
	if (change) {
		list_del(&change->entry);
		loop->change_count--;
	}
	spin_unlock(&loop->change_lock);
	return change;
}

static void lun_came(struct loop_host *loop, unsigned int channel, u64 lun)
{
	scsi_scan_target(&loop->shost->shost_gendev, channel, 0, lun, SCSI_SCAN_MANUAL);
}

static void lun_went(struct loop_host *loop, unsigned int channel, u64 lun)
{
	struct scsi_device *sdev = scsi_device_lookup(loop->shost, channel, 0, lun);

	if (!sdev)
		return;
	scsi_remove_device(sdev);
	scsi_device_put(sdev);
}

static void make_change(struct loop_host *loop, const struct change *change)
{
	unsigned int channel;

	for (channel = 0; channel < loop->nexus_count; channel++) {
		if (change->present)
			lun_came(loop, channel, change->lun);
		else
			lun_went(loop, channel, change->lun);
	}
}

static bool try_again(struct loop_host *loop)
{
	bool again;

	spin_lock(&loop->change_lock);
	again = !list_empty(&loop->changes) && loop->scan_tries++ < LOOP_SCAN_TRIES;
	spin_unlock(&loop->change_lock);
	return again;
}

void loop_scan(struct work_struct *work)
{
	struct loop_host *loop = container_of(work, struct loop_host, scan.work);
	struct change *change;

	while (tgt_host_served(loop->host)) {
		change = next_change(loop);
		if (!change)
			return;
		make_change(loop, change);
		kfree(change);
	}
	if (try_again(loop))
		queue_delayed_work(system_long_wq, &loop->scan, LOOP_SCAN_PAUSE);
}

void loop_forget_changes(struct loop_host *loop)
{
	struct change *change;

	while ((change = next_change(loop)))
		kfree(change);
}
