// SPDX-License-Identifier: GPL-2.0-only
/*
 * A low-level driver that is its own initiators: for tests of tgt_core.ko. Each
 * thread is an initiator that comes, sends commands and task management
 * functions, and goes, also while they are under way. Data is moved and commands
 * are freed at once, from a timer or from a work, and some are dropped. What
 * Data-In has to be follows from the id of the command, and so does Data-Out:
 * byte i is (u8)(id * 7 + i). The last byte of a LUN is not looked at.
 *
 * It begins with the module and ends with it; the counters are parameters.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "tgt_host.h"

#define MAX_THREADS	16
#define MAX_BYTES	(192 << 10)

static unsigned int queues = 2;
module_param(queues, uint, 0444);
static unsigned int depth = 16;
module_param(depth, uint, 0444);
static unsigned int threads = 6;
module_param(threads, uint, 0444);
static unsigned int burst = 64;
module_param(burst, uint, 0644);
MODULE_PARM_DESC(burst, "commands of a nexus before it leaves");
static bool quiet;
module_param(quiet, bool, 0644);
MODULE_PARM_DESC(quiet, "nothing is dropped, and nexuses leave when all is done");
static unsigned int number;
module_param(number, uint, 0444);

static atomic_t n_submitted, n_good, n_busy, n_aborted, n_dropped, n_failed, n_wrong, n_tasks, n_full;

#define COUNTER(name)							\
	static int get_##name(char *to, const struct kernel_param *kp)	\
	{								\
		return sprintf(to, "%d\n", atomic_read(&n_##name));	\
	}								\
	static const struct kernel_param_ops name##_ops = { .get = get_##name };	\
	module_param_cb(name, &name##_ops, NULL, 0444)

COUNTER(submitted);
COUNTER(good);
COUNTER(busy);
COUNTER(aborted);
COUNTER(dropped);
COUNTER(failed);
COUNTER(wrong);
COUNTER(tasks);
COUNTER(full);

static struct tgt_host *host;
static struct workqueue_struct *wq;
static struct task_struct *actors[MAX_THREADS];
static LIST_HEAD(live);
static DEFINE_SPINLOCK(live_lock);	/* and of io->ended */
static atomic_t outstanding[MAX_THREADS];

struct io {
	struct list_head link;
	struct tgt_cmd *cmd;
	struct timer_list timer;
	struct work_struct work;
	unsigned int whose;
	bool freeing;
	bool ended;
};

struct pending_task {
	struct tgt_task task;
	struct completion done;
	u8 response;
};

static u8 pattern(u64 id, u32 at)
{
	return (u8)(id * 7 + at);
}

/* Writes the pattern, or compares with it. */
static bool walk(struct tgt_cmd *cmd, bool write)
{
	struct sg_mapping_iter miter;
	u32 at = cmd->offset;
	u32 left = cmd->length;
	bool good = true;

	sg_miter_start(&miter, cmd->sg, cmd->sg_count, SG_MITER_ATOMIC | SG_MITER_TO_SG);
	while (left && sg_miter_next(&miter)) {
		u8 *byte = miter.addr;
		size_t i;

		for (i = 0; i < miter.length && left; i++, at++, left--) {
			if (write)
				byte[i] = pattern(cmd->id, at);
			else if (byte[i] != pattern(cmd->id, at))
				good = false;
		}
	}
	sg_miter_stop(&miter);
	return good && !left;
}

static void finish(struct io *io)
{
	struct tgt_cmd *cmd = io->cmd;

	if (!io->freeing) {
		bool good = walk(cmd, true);

		if (!good)
			atomic_inc(&n_wrong);
		tgt_cmd_data_done(cmd, get_random_u32() % 64 ? 0 : -EIO);
		return;
	}
	tgt_cmd_free(cmd);
}

static void by_timer(struct timer_list *timer)
{
	finish(container_of(timer, struct io, timer));
}

static void by_work(struct work_struct *work)
{
	finish(container_of(work, struct io, work));
}

static void some_time(struct io *io, bool freeing)
{
	io->freeing = freeing;
	switch (get_random_u32() % 3) {
	case 0:
		finish(io);
		break;
	case 1:
		mod_timer(&io->timer, jiffies + get_random_u32() % 3);
		break;
	default:
		queue_work(wq, &io->work);
	}
}

static void take_off(struct io *io)
{
	spin_lock_bh(&live_lock);
	if (io->ended)
		atomic_inc(&n_wrong);
	io->ended = true;
	list_del_init(&io->link);
	spin_unlock_bh(&live_lock);
	atomic_dec(&outstanding[io->whose]);
}

static void ex_get_data(struct tgt_cmd *cmd)
{
	struct io *io = cmd->priv;

	if (io->ended || !cmd->sg_count || (u64)cmd->offset + cmd->length > cmd->out_length)
		atomic_inc(&n_wrong);
	some_time(io, false);
}

static void ex_respond(struct tgt_cmd *cmd)
{
	struct io *io = cmd->priv;

	take_off(io);
	if (cmd->status == 0x08) {
		atomic_inc(&n_busy);
	} else if (cmd->status) {
		atomic_inc(&n_failed);
	} else if (cmd->length > cmd->in_length || (cmd->length && !walk(cmd, false))) {
		pr_err("exercise: %llu: length %u of %u, sg %u\n", cmd->id, cmd->length,
		       cmd->in_length, cmd->sg_count);
		atomic_inc(&n_wrong);
	} else {
		atomic_inc(&n_good);
	}
	some_time(io, true);
}

static void ex_aborted(struct tgt_cmd *cmd)
{
	struct io *io = cmd->priv;

	take_off(io);
	atomic_inc(&n_aborted);
	some_time(io, true);
}

static void ex_task_done(struct tgt_task *task, u8 response)
{
	struct pending_task *pending = task->priv;

	pending->response = response;
	complete_all(&pending->done);
}

static const struct tgt_host_ops ops = {
	.owner = THIS_MODULE,
	.name = "exercise",
	.cmd_priv_size = sizeof(struct io),
	.get_data = ex_get_data,
	.respond = ex_respond,
	.aborted = ex_aborted,
	.task_done = ex_task_done,
};

static bool send(struct tgt_nexus *nexus, unsigned int me, u64 *id)
{
	struct tgt_cmd *cmd = tgt_cmd_alloc(nexus);
	struct io *io;

	if (!cmd) {
		atomic_inc(&n_full);
		return false;
	}
	io = cmd->priv;
	io->cmd = cmd;
	io->whose = me;
	timer_setup(&io->timer, by_timer, 0);
	INIT_WORK(&io->work, by_work);
	INIT_LIST_HEAD(&io->link);
	if (!(get_random_u32() % 50)) {
		tgt_cmd_free(cmd);	/* never submitted */
		return true;
	}
	cmd->lun[1] = 1;
	cmd->cdb_length = 16;
	cmd->cdb[0] = 0xc0;
	if (get_random_u32() % 3 == 0)
		cmd->in_length = get_random_u32() % MAX_BYTES;
	else if (get_random_u32() % 2)
		cmd->out_length = get_random_u32() % MAX_BYTES;
	*id = cmd->id;
	spin_lock_bh(&live_lock);
	list_add_tail(&io->link, &live);
	spin_unlock_bh(&live_lock);
	atomic_inc(&n_submitted);
	atomic_inc(&outstanding[me]);
	tgt_cmd_submit(cmd);
	return true;
}

/* Any of anybody's. */
static void drop_one(void)
{
	unsigned int skip = get_random_u32() % 8;
	struct io *io;

	spin_lock_bh(&live_lock);
	list_for_each_entry(io, &live, link) {
		if (skip--)
			continue;
		tgt_cmd_drop(io->cmd);
		atomic_inc(&n_dropped);
		break;
	}
	spin_unlock_bh(&live_lock);
}

static struct pending_task *send_task(struct tgt_nexus *nexus, u64 id)
{
	struct pending_task *pending = kzalloc(sizeof(*pending), GFP_KERNEL);

	if (!pending)
		return NULL;
	init_completion(&pending->done);
	pending->task.nexus = nexus;
	pending->task.function = TGT_TASK_ABORT_TASK;
	pending->task.ref_id = id;
	pending->task.priv = pending;
	if (tgt_task_submit(&pending->task)) {
		kfree(pending);
		return NULL;
	}
	atomic_inc(&n_tasks);
	return pending;
}

static void visit(unsigned int me)
{
	struct pending_task *pending = NULL;
	struct tgt_nexus *nexus;
	char name[32];
	unsigned int i;
	u64 id = 0;

	snprintf(name, sizeof(name), "exercise,%u", me);
	nexus = tgt_nexus_create(host, name, NULL, NULL);
	if (IS_ERR(nexus))
		return;
	for (i = 0; i < burst && !kthread_should_stop(); i++) {
		if (!send(nexus, me, &id))
			msleep(1);
		if (!quiet && !(get_random_u32() % 16))
			drop_one();
		if (!pending && !(get_random_u32() % 16))
			pending = send_task(nexus, id);
		cond_resched();
	}
	if (quiet && pending)
		wait_for_completion(&pending->done);
	while (quiet && atomic_read(&outstanding[me]))
		msleep(1);
	tgt_nexus_destroy(nexus);
	if (pending && !completion_done(&pending->done)) {
		pr_err("exercise: no answer to a task\n");
		atomic_inc(&n_wrong);
		return;
	}
	kfree(pending);
}

static int act(void *arg)
{
	while (!kthread_should_stop())
		visit((unsigned long)arg);
	return 0;
}

static int __init exercise_init(void)
{
	struct tgt_host_setup setup = {
		.ops = &ops,
		.queues = queues,
		.depth = depth,
		.port_name = "exercise",
		.scsi_host = -1,
	};
	unsigned long i;

	wq = alloc_workqueue("exercise", WQ_UNBOUND, 0);
	if (!wq)
		return -ENOMEM;
	host = tgt_host_register(&setup);
	if (IS_ERR(host)) {
		destroy_workqueue(wq);
		return PTR_ERR(host);
	}
	number = tgt_host_number(host);
	threads = min_t(unsigned int, threads, MAX_THREADS);
	for (i = 0; i < threads; i++) {
		actors[i] = kthread_run(act, (void *)i, "exercise/%lu", i);
		if (IS_ERR(actors[i]))
			actors[i] = NULL;
	}
	return 0;
}

static void __exit exercise_exit(void)
{
	unsigned int i;

	quiet = false;
	for (i = 0; i < threads; i++)
		if (actors[i])
			kthread_stop(actors[i]);
	tgt_host_unregister(host);
	destroy_workqueue(wq);
}

module_init(exercise_init);
module_exit(exercise_exit);

MODULE_DESCRIPTION("Exercises tgt_core.ko");
MODULE_LICENSE("GPL");
