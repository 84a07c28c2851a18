// SPDX-License-Identifier: GPL-2.0-only
/* The module: its ports, its parameters, and what SCSI and the core call. */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "loop.h"

static unsigned int ports;
module_param(ports, uint, 0444);
MODULE_PARM_DESC(ports, "ports made at once (default 0; more: tgtadm --lld loop --mode host --op new)");

static unsigned int queues = 1;
module_param(queues, uint, 0644);
MODULE_PARM_DESC(queues, "queues of a new port that asks for no number of its own (default 1)");

static unsigned int nexuses = 1;
module_param(nexuses, uint, 0644);
MODULE_PARM_DESC(nexuses, "I_T nexuses of a new port; each is a SCSI channel (default 1)");

static unsigned int depth = 128;
module_param(depth, uint, 0644);
MODULE_PARM_DESC(depth, "commands per queue of a new port (default 128)");

unsigned int loop_max_sectors = 2048;
module_param_named(max_sectors, loop_max_sectors, uint, 0644);
MODULE_PARM_DESC(max_sectors, "512-byte sectors that a command of a new port may move (default 2048)");

static LIST_HEAD(loop_hosts);
static DEFINE_MUTEX(loop_mutex);	/* the list */

static struct loop_host *add_host(const struct tgt_host_params *asked)
{
	struct tgt_host_params params = *asked;
	struct loop_host *loop;

	params.queues = params.queues ?: queues;
	params.nexuses = params.nexuses ?: nexuses;
	params.depth = params.depth ?: depth;
	loop = loop_host_create(&params);
	if (IS_ERR(loop))
		return loop;
	mutex_lock(&loop_mutex);
	list_add_tail(&loop->entry, &loop_hosts);
	mutex_unlock(&loop_mutex);
	return loop;
}

static int loop_make_host(const struct tgt_host_params *params)
{
	struct loop_host *loop = add_host(params);

	return IS_ERR(loop) ? PTR_ERR(loop) : loop->number;
}

/* Whoever takes it off the list removes it. */
static bool take_off(struct loop_host *loop)
{
	bool mine;

	mutex_lock(&loop_mutex);
	mine = !list_empty(&loop->entry);
	list_del_init(&loop->entry);
	mutex_unlock(&loop_mutex);
	return mine;
}

/* Who only looks what a new device is (udev) is soon done. */
static bool stays_in_use(struct loop_host *loop)
{
	int tries;

	for (tries = 0; tries < 10; tries++) {
		if (!loop_host_in_use(loop))
			return false;
		msleep(100);
	}
	return true;
}

static int loop_remove_host(struct tgt_host *host, bool force)
{
	struct loop_host *loop = tgt_host_priv(host);

	if (!force && stays_in_use(loop))
		return -EBUSY;
	if (!take_off(loop))
		return -ENODEV;
	loop_host_remove(loop);
	return 0;
}

static void remove_all(void)
{
	struct loop_host *loop;

	for (;;) {
		mutex_lock(&loop_mutex);
		loop = list_first_entry_or_null(&loop_hosts, struct loop_host, entry);
		if (loop)
			list_del_init(&loop->entry);
		mutex_unlock(&loop_mutex);
		if (!loop)
			return;
		loop_host_remove(loop);
	}
}

const struct tgt_host_ops loop_ops = {
	.owner = THIS_MODULE,
	.name = "loop",
	.cmd_priv_size = sizeof(struct loop_cmd),
	.get_data = loop_get_data,
	.respond = loop_respond,
	.aborted = loop_aborted,
	.task_done = loop_task_done,
	.lun_changed = loop_lun_changed,
	.make_host = loop_make_host,
	.remove_host = loop_remove_host,
};

static ssize_t tgt_host_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct loop_host *loop = shost_priv(class_to_shost(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(loop->number));
}
static DEVICE_ATTR_RO(tgt_host);

static struct attribute *loop_shost_attrs[] = {
	&dev_attr_tgt_host.attr,
	NULL
};
ATTRIBUTE_GROUPS(loop_shost);

/* Nobody is asked whether there is a device while nobody would answer. */
static int loop_device_begin(struct scsi_device *sdev)
{
	struct loop_host *loop = loop_of(sdev);

	return tgt_host_served(loop->host) ? 0 : -ENXIO;
}

/*
 * While there is no daemon, time stands still: the core ends what waits for one. While
 * only other queues have none, no longer than error handling would wait for one, too.
 */
#ifndef LOOP_HAVE_TIMEOUT_ACTION
#define scsi_timeout_action	blk_eh_timer_return
#define SCSI_EH_RESET_TIMER	BLK_EH_RESET_TIMER
#define SCSI_EH_NOT_HANDLED	BLK_EH_DONE
#endif
static enum scsi_timeout_action loop_timed_out(struct scsi_cmnd *sc)
{
	struct loop_host *loop = loop_of(sc->device);
	bool served = tgt_nexus_served(loop->nexuses[sc->device->channel]);

	if (READ_ONCE(loop->dead) || (served && !tgt_host_awaited(loop->host)))
		return SCSI_EH_NOT_HANDLED;
	return SCSI_EH_RESET_TIMER;
}

/* Not const: Linux 6.1 writes to it. */
struct scsi_host_template loop_template = {
	.module = THIS_MODULE,
	.name = "tgt loop",
	.proc_name = "tgt_loop",
	.this_id = -1,
	.cmd_size = sizeof(struct loop_slot),
	.init_cmd_priv = loop_init_slot,
	.queuecommand = loop_queuecommand,
	.change_queue_depth = scsi_change_queue_depth,
	.track_queue_depth = 1,
	.slave_alloc = loop_device_begin,
	.eh_timed_out = loop_timed_out,
	.eh_abort_handler = loop_abort,
	.eh_device_reset_handler = loop_lun_reset,
	.eh_target_reset_handler = loop_target_reset,
	.eh_host_reset_handler = loop_host_reset,
	.skip_settle_delay = 1,
	/* Data is copied: nothing hangs on how the initiator's memory lies. */
	.sg_tablesize = SG_MAX_SEGMENTS,
	.max_segment_size = UINT_MAX,
	.dma_boundary = ULONG_MAX,
	.shost_groups = loop_shost_groups,
};

static int __init make_ports(void)
{
	const struct tgt_host_params params = {};
	struct loop_host *loop;
	unsigned int i;

	for (i = 0; i < ports; i++) {
		loop = add_host(&params);
		if (IS_ERR(loop))
			return PTR_ERR(loop);
	}
	return 0;
}

static int __init loop_init(void)
{
	int rc = make_ports();

	if (!rc)
		rc = tgt_driver_register(&loop_ops);
	if (rc)
		remove_all();
	return rc;
}

static void __exit loop_exit(void)
{
	remove_all();
	tgt_driver_unregister(&loop_ops);
}

module_init(loop_init);
module_exit(loop_exit);

MODULE_DESCRIPTION("SCSI devices of this machine that the target daemon serves");
MODULE_LICENSE("GPL");
