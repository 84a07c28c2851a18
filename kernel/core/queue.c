// SPDX-License-Identifier: GPL-2.0-only
/* A queue of a host: its requests, and the ops that are called for them. */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ring.h"

struct tgt_cmd_request *tgt_queue_cmd(struct tgt_queue *queue, u32 tag)
{
	return queue->cmds + tag * queue->host->cmd_stride;
}

static void tgt_request_setup(struct tgt_queue *queue, struct tgt_request *req, u32 tag, u8 type)
{
	INIT_LIST_HEAD(&req->link);
	req->tag = tag;
	req->type = type;
	queue->by_tag[tag] = req;
	list_add_tail(&req->link,
		      type == TGT_DESC_COMMAND ? &queue->free_cmds : &queue->free_tasks);
}

static void tgt_queue_work(struct work_struct *work)
{
	struct tgt_queue *queue = container_of(work, struct tgt_queue, work);
	unsigned int noio;
	LIST_HEAD(todo);

	spin_lock_irq(&queue->lock);
	list_splice_init(&queue->ended, &todo);
	spin_unlock_irq(&queue->lock);
	noio = memalloc_noio_save();
	tgt_run(&todo);
	memalloc_noio_restore(noio);
}

int tgt_queue_init(struct tgt_queue *queue, struct tgt_host *host, u32 index)
{
	u32 tag;

	queue->host = host;
	queue->index = index;
	queue->tags = host->depth + TGT_TASK_TAGS + TGT_NEXUS_TAGS;
	queue->left_at = get_jiffies_64();
	mutex_init(&queue->run);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->free_cmds);
	INIT_LIST_HEAD(&queue->free_tasks);
	INIT_LIST_HEAD(&queue->waiting);
	INIT_LIST_HEAD(&queue->ended);
	INIT_LIST_HEAD(&queue->nexuses);
	INIT_WORK(&queue->work, tgt_queue_work);
	INIT_DELAYED_WORK(&queue->timeout, tgt_timeout_work);
	queue->by_tag = kvcalloc(queue->tags, sizeof(*queue->by_tag), GFP_KERNEL_ACCOUNT);
	queue->cmds = kvcalloc(host->depth, host->cmd_stride, GFP_KERNEL_ACCOUNT);
	queue->tasks = kcalloc(TGT_TASK_TAGS, sizeof(*queue->tasks), GFP_KERNEL_ACCOUNT);
	if (!queue->by_tag || !queue->cmds || !queue->tasks)
		return -ENOMEM;	/* tgt_queue_release() follows */
	for (tag = 0; tag < host->depth; tag++)
		tgt_request_setup(queue, &tgt_queue_cmd(queue, tag)->req, tag, TGT_DESC_COMMAND);
	for (; tag < host->depth + TGT_TASK_TAGS; tag++)
		tgt_request_setup(queue, &queue->tasks[tag - host->depth].req, tag, TGT_DESC_TASK);
	return 0;
}

void tgt_queue_release(struct tgt_queue *queue)
{
	u32 tag;

	for (tag = 0; queue->cmds && tag < queue->host->depth; tag++)
		kvfree(tgt_queue_cmd(queue, tag)->table);
	kfree(queue->tasks);
	kvfree(queue->cmds);
	kvfree(queue->by_tag);
}

/* It ends without the daemon: the driver is told by tgt_queue_work(). */
void tgt_request_end(struct tgt_queue *queue, struct tgt_request *req, enum tgt_action action)
{
	lockdep_assert_held(&queue->lock);
	req->state = TGT_ENDED;
	req->action = action;
	list_add_tail(&req->link, &queue->ended);
	queue_work(tgt_wq, &queue->work);
}

void tgt_request_wait(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	req->state = TGT_WAITING;
	list_add_tail(&req->link, &queue->waiting);
}

/* Nobody has it any more. */
void tgt_request_recycle(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	req->state = TGT_FREE;
	req->nexus = NULL;
	list_add(&req->link,
		 req->type == TGT_DESC_COMMAND ? &queue->free_cmds : &queue->free_tasks);
}

/*
 * The driver has it no more. The daemon may owe an answer for longer than the nexus
 * lives: its own NEXUS_LEFT may be answered first.
 */
void tgt_request_given_back(struct tgt_queue *queue, struct tgt_request *req)
{
	lockdep_assert_held(&queue->lock);
	if (!req->posted) {
		tgt_request_recycle(queue, req);
		return;
	}
	req->state = TGT_GONE;
	req->nexus = NULL;
}

/* The driver has one request less. Whoever waits for it takes the lock before it frees anything. */
void tgt_request_released(struct tgt_queue *queue, struct tgt_nexus *nexus)
{
	lockdep_assert_held(&queue->lock);
	nexus->live--;
	queue->live--;
	if (!nexus->live && nexus->dying)
		wake_up_all(&queue->host->wait);
}

static void tgt_task_finish(struct tgt_task_request *treq, struct tgt_queue *queue)
{
	struct tgt_request *req = &treq->req;
	struct tgt_nexus *nexus = req->nexus;

	spin_lock_irq(&queue->lock);
	treq->task = NULL;
	tgt_request_given_back(queue, req);
	tgt_request_released(queue, nexus);
	spin_unlock_irq(&queue->lock);
}

static void tgt_run_one(struct tgt_request *req)
{
	const struct tgt_host_ops *ops = req->nexus->host->ops;
	enum tgt_action action = req->action;

	req->action = TGT_ACT_NONE;
	/* From the op on the request is the driver's, who may have freed it when the op returns. */
	if (action == TGT_ACT_GET_DATA) {
		ops->get_data(&tgt_cmd_request(req)->cmd);
	} else if (action == TGT_ACT_RESPOND) {
		ops->respond(&tgt_cmd_request(req)->cmd);
	} else if (action == TGT_ACT_ABORTED) {
		ops->aborted(&tgt_cmd_request(req)->cmd);
	} else if (action == TGT_ACT_TASK_DONE) {
		struct tgt_task_request *treq = tgt_task_request(req);

		ops->task_done(treq->task, treq->response);
		tgt_task_finish(treq, req->nexus->queue);
	}
}

void tgt_run(struct list_head *todo)
{
	while (!list_empty(todo)) {
		struct tgt_request *req = list_first_entry(todo, struct tgt_request, link);

		list_del_init(&req->link);
		tgt_run_one(req);
	}
}

void tgt_queue_info(struct tgt_queue *queue, struct tgt_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	spin_lock_irq(&queue->lock);
	info->nexuses = queue->nexus_count;
	info->stats = queue->stats;
	if (queue->att) {
		info->attached = true;
		info->pid = queue->att->pid;
		info->attachment = queue->att->number;
		info->data_bytes = queue->att->data_bytes;
		info->event_head = queue->att->event_head;
		info->event_tail = READ_ONCE(queue->att->user->event_tail);
		info->reply_tail = READ_ONCE(queue->att->reply_tail);
	}
	spin_unlock_irq(&queue->lock);
}

bool tgt_request_info(struct tgt_queue *queue, u32 tag, struct tgt_request_info *info)
{
	struct tgt_request *req;

	memset(info, 0, sizeof(*info));
	if (tag >= queue->tags)
		return false;
	spin_lock_irq(&queue->lock);
	req = queue->by_tag[tag];
	if (req && req->state != TGT_FREE) {
		info->id = req->id;
		info->nexus = req->nexus ? req->nexus->number : 0;
		info->type = req->type;
		info->state = req->state;
		info->flags = req->flags;
		info->posted = req->posted;
		if (req->type == TGT_DESC_COMMAND) {
			memcpy(info->lun, tgt_cmd_request(req)->cmd.lun, sizeof(info->lun));
			info->opcode = tgt_cmd_request(req)->cmd.cdb[0];
		}
	}
	spin_unlock_irq(&queue->lock);
	return true;
}
