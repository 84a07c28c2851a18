// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/tgt/HOST/QUEUE: where the rings are, and what every tag does. */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "core.h"

static struct dentry *tgt_debugfs;

static const char *const types[] = {
	[TGT_DESC_COMMAND] = "command",
	[TGT_DESC_TASK] = "task",
	[TGT_DESC_NEXUS_ARRIVED] = "arrived",
	[TGT_DESC_NEXUS_LEFT] = "left",
};

static const char *const states[] = {
	[TGT_FREE] = "free",
	[TGT_ALLOCATED] = "allocated",
	[TGT_WAITING] = "waiting",
	[TGT_POSTED] = "posted",
	[TGT_DATA] = "data",
	[TGT_ENDED] = "ended",
	[TGT_GONE] = "gone",
};

static const char *name_in(const char *const names[], size_t count, unsigned int value)
{
	return value < count && names[value] ? names[value] : "?";
}

static void show_queue(struct seq_file *out, const struct tgt_queue_info *info)
{
	const struct tgt_stats *stats = &info->stats;

	if (info->attached)
		seq_printf(out, "pid %d attachment %llu data %llu\n", info->pid,
			   info->attachment, info->data_bytes);
	else
		seq_puts(out, "no daemon\n");
	seq_printf(out, "event_head %u event_tail %u reply_tail %u nexuses %u\n",
		   info->event_head, info->event_tail, info->reply_tail, info->nexuses);
	seq_printf(out, "commands %llu active %llu in %llu out %llu tasks %llu aborted %llu full %llu\n",
		   stats->commands, stats->active, stats->in_bytes, stats->out_bytes,
		   stats->tasks, stats->aborted, stats->full);
	seq_printf(out, "kicks %llu wakeups %llu redelivered %llu bad %llu stale %llu\n",
		   stats->kicks, stats->wakeups, stats->redelivered, stats->bad_replies,
		   stats->stale_replies);
}

static void show_request(struct seq_file *out, u32 tag, const struct tgt_request_info *info)
{
	seq_printf(out, "%u %s %s id %llu nexus %u lun %8phN opcode %02x%s%s%s\n", tag,
		   name_in(types, ARRAY_SIZE(types), info->type),
		   name_in(states, ARRAY_SIZE(states), info->state), info->id, info->nexus,
		   info->lun, info->opcode, info->posted ? " unanswered" : "",
		   info->flags & TGT_DESC_F_REDELIVERED ? " redelivered" : "",
		   info->flags & TGT_DESC_F_SEEN ? " seen" : "");
}

static int queue_show(struct seq_file *out, void *unused)
{
	struct tgt_queue *queue = out->private;
	struct tgt_queue_info info;
	struct tgt_request_info request;
	u32 tag;

	tgt_queue_info(queue, &info);
	show_queue(out, &info);
	for (tag = 0; tgt_request_info(queue, tag, &request); tag++)
		if (request.type)
			show_request(out, tag, &request);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queue);

void tgt_debugfs_host_added(struct tgt_host *host)
{
	char name[16];
	u32 i;

	snprintf(name, sizeof(name), "%u", host->number);
	host->debugfs = debugfs_create_dir(name, tgt_debugfs);
	for (i = 0; i < host->queue_count; i++) {
		snprintf(name, sizeof(name), "%u", i);
		debugfs_create_file(name, 0400, host->debugfs, &host->queues[i], &queue_fops);
	}
}

/* Waits for those who read. */
void tgt_debugfs_host_removed(struct tgt_host *host)
{
	debugfs_remove_recursive(host->debugfs);
}

void __init tgt_debugfs_init(void)
{
	tgt_debugfs = debugfs_create_dir("tgt", NULL);
}

void tgt_debugfs_exit(void)
{
	debugfs_remove_recursive(tgt_debugfs);
}
