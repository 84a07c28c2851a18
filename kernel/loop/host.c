// SPDX-License-Identifier: GPL-2.0-only
/* Loop ports: made, and taken away under whatever load. */
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "loop.h"

#define LOOP_MAX_CAN_QUEUE	8192
#define LOOP_MAX_SECTORS	32768u	/* 16 MiB: what a reply can have */
#define LOOP_GOODBYE_SECONDS	10	/* for disks to be flushed */

static void loop_host_kill(struct loop_host *loop)
{
	WRITE_ONCE(loop->dead, true);
	smp_mb(); /* with loop_queuecommand() */
	loop_drop(loop, NULL);
}

static void kill_work(struct work_struct *work)
{
	loop_host_kill(container_of(work, struct loop_host, kill.work));
}

static bool within(u32 value, u32 max)
{
	return value >= 1 && value <= max;
}

static bool params_good(const struct tgt_host_params *params)
{
	return within(params->queues, TGT_MAX_QUEUES) &&
	       within(params->nexuses, LOOP_MAX_NEXUSES) &&
	       within(params->depth, TGT_MAX_DEPTH);
}

/* A private one until SCSI and the core know of it. */
static struct loop_host *loop_host_alloc(const struct tgt_host_params *params)
{
	struct loop_host *loop;
	struct Scsi_Host *shost;

	shost = scsi_host_alloc(&loop_template, struct_size(loop, nexuses, params->nexuses));
	if (!shost)
		return NULL;
	shost->max_id = 1;
	shost->max_lun = 0xffff;
	shost->max_channel = params->nexuses - 1;
	shost->max_cmd_len = sizeof_field(struct scsi_cmnd, cmnd);
	shost->max_sectors = clamp(loop_max_sectors, 8u, LOOP_MAX_SECTORS);
	/* Nexuses are spread over the queues, and each queue has `depth`. */
	shost->can_queue = min_t(u32, params->depth * min(params->queues, params->nexuses),
				 LOOP_MAX_CAN_QUEUE);
	shost->cmd_per_lun = params->depth;

	loop = shost_priv(shost);
	loop->shost = shost;
	INIT_LIST_HEAD(&loop->entry);
	init_waitqueue_head(&loop->slot_over);
	init_rwsem(&loop->handlers);
	INIT_DELAYED_WORK(&loop->kill, kill_work);
	spin_lock_init(&loop->change_lock);
	INIT_LIST_HEAD(&loop->changes);
	INIT_DELAYED_WORK(&loop->scan, loop_scan);
	return loop;
}

static int register_host(struct loop_host *loop, const struct tgt_host_params *params)
{
	const struct tgt_host_setup setup = {
		.ops = &loop_ops,
		.number = params->number,
		.queues = params->queues,
		.depth = params->depth,
		.scsi_host = loop->shost->host_no,
		.priv = loop,
	};

	loop->host = tgt_host_register(&setup);
	if (IS_ERR(loop->host))
		return PTR_ERR(loop->host);
	loop->number = tgt_host_number(loop->host);
	return 0;
}

/* SAS (SPC-5 7.6.4.7), with an address that is only locally one (NAA 3h): "tgt", port, nexus. */
static void make_transport_id(u8 id[24], u32 port, u32 nexus)
{
	__be64 address = cpu_to_be64(0x3746774000000000ull | (u64)(port & 0xffffff) << 8 | nexus);

	memset(id, 0, 24);
	id[0] = 0x06;
	memcpy(id + 4, &address, sizeof(address));
}

static int create_nexuses(struct loop_host *loop, u32 count)
{
	struct tgt_nexus *nexus;
	char name[40];
	u8 id[24];

	while (loop->nexus_count < count) {
		snprintf(name, sizeof(name), "loop.%u.%u", loop->number, loop->nexus_count);
		make_transport_id(id, loop->number, loop->nexus_count);
		nexus = tgt_nexus_create(loop->host, name, id, loop);
		if (IS_ERR(nexus))
			return PTR_ERR(nexus);
		loop->nexuses[loop->nexus_count++] = nexus;
	}
	return 0;
}

static void destroy_nexuses(struct loop_host *loop)
{
	while (loop->nexus_count)
		tgt_nexus_destroy(loop->nexuses[--loop->nexus_count]);
}

struct loop_host *loop_host_create(const struct tgt_host_params *params)
{
	struct loop_host *loop;
	int rc;

	if (!params_good(params))
		return ERR_PTR(-EINVAL);
	loop = loop_host_alloc(params);
	if (!loop)
		return ERR_PTR(-ENOMEM);
	rc = register_host(loop, params);
	if (rc)
		goto no_host;
	rc = create_nexuses(loop, params->nexuses);
	if (rc)
		goto no_nexuses;
	rc = scsi_add_host(loop->shost, NULL);
	if (rc)
		goto no_nexuses;
	loop_scan_begin(loop);
	return loop;

no_nexuses:
	destroy_nexuses(loop);
	tgt_host_unregister(loop->host);
	loop_forget_changes(loop);
no_host:
	scsi_host_put(loop->shost);
	return ERR_PTR(rc);
}

/*
 * With a daemon, disks are flushed on their way out, for as long as one may
 * wait; without one, what is under way ends at once.
 */
void loop_host_remove(struct loop_host *loop)
{
	if (tgt_host_served(loop->host))
		schedule_delayed_work(&loop->kill, LOOP_GOODBYE_SECONDS * HZ);
	else
		loop_host_kill(loop);
	loop_scan_end(loop);
	scsi_remove_host(loop->shost);
	cancel_delayed_work_sync(&loop->scan);
	cancel_delayed_work_sync(&loop->kill);
	loop_host_kill(loop);
	down_write(&loop->handlers); /* ioctl() may reset what SCSI has no more */
	loop->gone = true;
	up_write(&loop->handlers);
	destroy_nexuses(loop);
	tgt_host_unregister(loop->host);
	loop_forget_changes(loop);
	synchronize_rcu(); /* finish() in cmd.c */
	scsi_host_put(loop->shost);
}

/* Of a SCSI device the children are what the upper drivers have made of it. */
static int disk_is_open(struct device *dev, void *unused)
{
	if (!dev->class || strcmp(dev->class->name, "block"))
		return 0;
	return disk_openers(dev_to_disk(dev)) > 0;
}

bool loop_host_in_use(struct loop_host *loop)
{
	struct scsi_device *sdev;
	bool open = false;

	shost_for_each_device(sdev, loop->shost)
		open = open || device_for_each_child(&sdev->sdev_gendev, NULL, disk_is_open);
	return open || loop_any(loop, NULL);
}
