// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tgt: a file is the daemon's end of one queue. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ring.h"

struct tgt_file {
	struct mutex attaching;		/* one tries at a time */
	struct tgt_attachment *att;	/* set once, by TGT_RING_ATTACH */
};

static struct tgt_attachment *tgt_file_attachment(struct file *file)
{
	struct tgt_file *f = file->private_data;

	/* Pairs with tgt_attach_queue(): it is whole when it is there. */
	return smp_load_acquire(&f->att);
}

static int tgt_open(struct inode *inode, struct file *file)
{
	struct tgt_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->attaching);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static int tgt_release(struct inode *inode, struct file *file)
{
	struct tgt_attachment *att = tgt_file_attachment(file);

	if (att) {
		tgt_attachment_end(att, TGT_NL_DETACH_CLOSED);
		tgt_attachment_put(att);
	}
	kfree(file->private_data);
	return 0;
}

static u64 tgt_data_bytes(u64 wanted)
{
	u64 most = min_t(u64, (u64)READ_ONCE(tgt_data_max) << 20, SZ_1G);

	if (!wanted)
		wanted = (u64)READ_ONCE(tgt_data_default) << 20;
	return PAGE_ALIGN(clamp_t(u64, wanted, PAGE_SIZE, max_t(u64, most, PAGE_SIZE)));
}

static int tgt_attach_queue(struct tgt_file *f, struct tgt_queue *queue,
			    struct tgt_ring_attach *args, void __user *arg)
{
	struct tgt_attachment *att;
	int rc = -EFAULT;

	/* Spares the memory; tgt_attachment_begin() decides. */
	if (READ_ONCE(queue->att))
		return -EBUSY;
	att = tgt_attachment_new(queue, tgt_data_bytes(args->data_bytes));
	if (IS_ERR(att))
		return PTR_ERR(att);
	args->caps &= TGT_RING_CAPS;
	att->header->caps = args->caps;
	args->data_bytes = att->data_bytes;
	args->kernel_bytes = (u64)att->kernel.count << PAGE_SHIFT;
	args->user_bytes = (u64)att->user_side.count << PAGE_SHIFT;
	if (!copy_to_user(arg, args, sizeof(*args)))
		rc = tgt_attachment_begin(att);
	if (rc)
		tgt_attachment_put(att);
	else
		smp_store_release(&f->att, att);	/* pairs with tgt_file_attachment() */
	return rc;
}

static int tgt_attach_args(struct tgt_file *f, struct tgt_ring_attach *args, void __user *arg)
{
	struct tgt_host *host;
	int rc = -ENODEV;

	if (args->version != TGT_RING_VERSION)
		return -EPROTONOSUPPORT;
	host = tgt_host_get(args->host);
	if (!host)
		return -ENODEV;
	if (args->queue < host->queue_count) {
		u32 index = array_index_nospec(args->queue, host->queue_count);
		unsigned int noio = memalloc_noio_save();

		/* Memory may come free only when disks of this host are written to. */
		rc = tgt_attach_queue(f, &host->queues[index], args, arg);
		memalloc_noio_restore(noio);
	}
	tgt_host_put(host);
	return rc;
}

static int tgt_attach(struct file *file, void __user *arg)
{
	struct tgt_file *f = file->private_data;
	struct tgt_ring_attach args;
	int rc = -EISCONN;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	mutex_lock(&f->attaching);
	if (!f->att)
		rc = tgt_attach_args(f, &args, arg);
	mutex_unlock(&f->attaching);
	return rc;
}

static long tgt_ioctl(struct file *file, unsigned int op, unsigned long arg)
{
	struct tgt_attachment *att = tgt_file_attachment(file);

	if (op == TGT_RING_KICK)
		return att ? tgt_replies_run(att) : -ENOTCONN;
	if (op == TGT_RING_DETACH) {
		if (!att)
			return -ENOTCONN;
		tgt_attachment_end(att, TGT_NL_DETACH_CLOSED);
		return 0;
	}
	if (op == TGT_RING_ATTACH)
		return tgt_attach(file, (void __user *)arg);
	return -ENOTTY;
}

static __poll_t tgt_poll(struct file *file, poll_table *wait)
{
	struct tgt_attachment *att = tgt_file_attachment(file);
	__poll_t events = 0;

	if (!att)
		return EPOLLERR;
	poll_wait(file, &att->wait, wait);
	if (READ_ONCE(att->over))
		events |= EPOLLHUP | EPOLLERR;
	if (READ_ONCE(att->header->event_head) != READ_ONCE(att->user->event_tail))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static int tgt_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tgt_attachment *att = tgt_file_attachment(file);

	if (!att)
		return -ENOTCONN;
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case TGT_RING_MMAP_KERNEL:
		return vma->vm_flags & VM_WRITE ? -EPERM : tgt_region_mmap(&att->kernel, vma);
	case TGT_RING_MMAP_USER:
		return tgt_region_mmap(&att->user_side, vma);
	case TGT_RING_MMAP_DATA:
		return tgt_region_mmap(&att->data, vma);
	default:
		return -EINVAL;
	}
}

static const struct file_operations tgt_fops = {
	.owner = THIS_MODULE,
	.open = tgt_open,
	.release = tgt_release,
	.unlocked_ioctl = tgt_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = tgt_poll,
	.mmap = tgt_mmap,
	.llseek = noop_llseek,
};

static struct miscdevice tgt_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = TGT_RING_DEVICE,
	.fops = &tgt_fops,
	.mode = 0600,
};

int tgt_device_init(void)
{
	return misc_register(&tgt_device);
}

void tgt_device_exit(void)
{
	misc_deregister(&tgt_device);
}
