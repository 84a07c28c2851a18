// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family (uapi/linux/tgt_netlink.h): reads what host.c and
 * nexus.c have, hands requests for hosts on to the drivers, tells of changes.
 * Dumps go by number and hold nothing in between; NLM_F_DUMP_INTR says that
 * something came or went meanwhile.
 */
#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "core.h"

#define TGT_NL_MAX_NEXUSES	4096

static struct genl_family tgt_nl_family;
static atomic_t tgt_nl_changes = ATOMIC_INIT(1);
static DEFINE_MUTEX(tgt_nl_hosts_mutex);	/* making and removing hosts */

/* --- what a message says ------------------------------------------------- */

static int put_u64(struct sk_buff *skb, int attribute, u64 value)
{
	return nla_put_u64_64bit(skb, attribute, value, TGT_NL_A_PAD);
}

static int put_counters(struct sk_buff *skb, const struct tgt_stats *stats)
{
	return put_u64(skb, TGT_NL_A_COMMANDS, stats->commands) ||
	       put_u64(skb, TGT_NL_A_ACTIVE, stats->active) ||
	       put_u64(skb, TGT_NL_A_IN_BYTES, stats->in_bytes) ||
	       put_u64(skb, TGT_NL_A_OUT_BYTES, stats->out_bytes) ||
	       put_u64(skb, TGT_NL_A_TASKS, stats->tasks) ||
	       put_u64(skb, TGT_NL_A_ABORTED, stats->aborted) ||
	       put_u64(skb, TGT_NL_A_FULL, stats->full);
}

static int put_queue_counters(struct sk_buff *skb, const struct tgt_stats *stats)
{
	return put_counters(skb, stats) ||
	       put_u64(skb, TGT_NL_A_KICKS, stats->kicks) ||
	       put_u64(skb, TGT_NL_A_WAKEUPS, stats->wakeups) ||
	       put_u64(skb, TGT_NL_A_REDELIVERED, stats->redelivered) ||
	       put_u64(skb, TGT_NL_A_BAD_REPLIES, stats->bad_replies);
}

static int put_host(struct sk_buff *skb, struct tgt_host *host)
{
	struct tgt_stats stats;

	tgt_host_stats(host, &stats);
	return nla_put_u32(skb, TGT_NL_A_HOST, host->number) ||
	       nla_put_string(skb, TGT_NL_A_LLD, host->lld) ||
	       nla_put_string(skb, TGT_NL_A_PORT_NAME, host->port_name) ||
	       (host->scsi_host >= 0 &&
		nla_put_u32(skb, TGT_NL_A_SCSI_HOST, host->scsi_host)) ||
	       nla_put_u32(skb, TGT_NL_A_QUEUES, host->queue_count) ||
	       nla_put_u32(skb, TGT_NL_A_DEPTH, host->depth) ||
	       nla_put_u32(skb, TGT_NL_A_NEXUSES, tgt_host_nexus_count(host)) ||
	       put_counters(skb, &stats);
}

static int put_queue(struct sk_buff *skb, struct tgt_queue *queue)
{
	struct tgt_queue_info info;

	tgt_queue_info(queue, &info);
	return nla_put_u32(skb, TGT_NL_A_HOST, queue->host->number) ||
	       nla_put_u32(skb, TGT_NL_A_QUEUE, queue->index) ||
	       (info.attached &&
		(nla_put_u32(skb, TGT_NL_A_PID, info.pid) ||
		 put_u64(skb, TGT_NL_A_DATA_BYTES, info.data_bytes))) ||
	       nla_put_u32(skb, TGT_NL_A_DEPTH, queue->host->depth) ||
	       nla_put_u32(skb, TGT_NL_A_NEXUSES, info.nexuses) ||
	       put_queue_counters(skb, &info.stats);
}

static int put_nexus(struct sk_buff *skb, struct tgt_nexus *nexus)
{
	struct tgt_stats stats;

	tgt_nexus_stats(nexus, &stats);
	return nla_put_u32(skb, TGT_NL_A_HOST, nexus->host->number) ||
	       nla_put_u32(skb, TGT_NL_A_NEXUS, nexus->number) ||
	       nla_put_u32(skb, TGT_NL_A_QUEUE, nexus->queue->index) ||
	       nla_put_string(skb, TGT_NL_A_INITIATOR, nexus->name) ||
	       (nexus->has_transport_id &&
		nla_put(skb, TGT_NL_A_TRANSPORT_ID, sizeof(nexus->transport_id),
			nexus->transport_id)) ||
	       put_counters(skb, &stats);
}

/* --- answers ------------------------------------------------------------- */

/* NULL: no memory. What is begun here ends in reply_send(). */
static struct sk_buff *reply_begin(struct genl_info *info, void **header)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put_reply(skb, info, &tgt_nl_family, 0, info->genlhdr->cmd);
	if (*header)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

static int reply_send(struct genl_info *info, struct sk_buff *skb, void *header, bool whole)
{
	if (!whole) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

static int version_get(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	void *header;

	skb = reply_begin(info, &header);
	if (!skb)
		return -ENOMEM;
	return reply_send(info, skb, header,
			  !nla_put_u32(skb, TGT_NL_A_VERSION, TGT_RING_VERSION) &&
			  !put_u64(skb, TGT_NL_A_CAPS, TGT_RING_CAPS));
}

/* With a reference; ERR_PTR: the request names none. */
static struct tgt_host *host_of(struct genl_info *info)
{
	struct tgt_host *host;

	if (GENL_REQ_ATTR_CHECK(info, TGT_NL_A_HOST))
		return ERR_PTR(-EINVAL);
	host = tgt_host_get(nla_get_u32(info->attrs[TGT_NL_A_HOST]));
	if (host)
		return host;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[TGT_NL_A_HOST], "there is no such host");
	return ERR_PTR(-ENODEV);
}

static int host_get(struct sk_buff *request, struct genl_info *info)
{
	struct tgt_host *host = host_of(info);
	struct sk_buff *skb;
	void *header;
	int rc = -ENOMEM;

	if (IS_ERR(host))
		return PTR_ERR(host);
	skb = reply_begin(info, &header);
	if (skb)
		rc = reply_send(info, skb, header, !put_host(skb, host));
	tgt_host_put(host);
	return rc;
}

/* --- requests to drivers ------------------------------------------------- */

static u32 u32_or_0(struct genl_info *info, int attribute)
{
	return info->attrs[attribute] ? nla_get_u32(info->attrs[attribute]) : 0;
}

static int make_host(struct genl_info *info, const struct tgt_host_ops *ops)
{
	const struct tgt_host_params params = {
		.number = u32_or_0(info, TGT_NL_A_HOST),
		.queues = u32_or_0(info, TGT_NL_A_QUEUES),
		.nexuses = u32_or_0(info, TGT_NL_A_NEXUSES),
		.depth = u32_or_0(info, TGT_NL_A_DEPTH),
	};
	int number;

	mutex_lock(&tgt_nl_hosts_mutex);
	number = ops->make_host(&params);
	mutex_unlock(&tgt_nl_hosts_mutex);
	return number;
}

/* The room for the answer is there before the host is. */
static int host_new(struct sk_buff *request, struct genl_info *info)
{
	const struct tgt_host_ops *ops;
	struct sk_buff *skb;
	void *header;
	int number;

	if (GENL_REQ_ATTR_CHECK(info, TGT_NL_A_LLD))
		return -EINVAL;
	skb = reply_begin(info, &header);
	if (!skb)
		return -ENOMEM;
	number = -EOPNOTSUPP;
	ops = tgt_driver_get(nla_data(info->attrs[TGT_NL_A_LLD]));
	if (ops) {
		if (ops->make_host)
			number = make_host(info, ops);
		tgt_driver_put(ops);
	}
	if (number < 0) {
		nlmsg_free(skb);
		return number;
	}
	return reply_send(info, skb, header, !nla_put_u32(skb, TGT_NL_A_HOST, number));
}

/* Its driver is kept from going, and only one is at it: who is not dying yet stays. */
static int remove_host(struct tgt_host *host, const struct tgt_host_ops *ops, bool force)
{
	int rc = -ENODEV;

	mutex_lock(&tgt_nl_hosts_mutex);
	if (!READ_ONCE(host->dying))
		rc = ops->remove_host(host, force);
	mutex_unlock(&tgt_nl_hosts_mutex);
	return rc;
}

static int host_del(struct sk_buff *request, struct genl_info *info)
{
	struct tgt_host *host = host_of(info);
	const struct tgt_host_ops *ops;
	int rc = -EOPNOTSUPP;

	if (IS_ERR(host))
		return PTR_ERR(host);
	ops = tgt_driver_get(host->lld);
	if (ops) {
		if (ops->remove_host)
			rc = remove_host(host, ops, info->attrs[TGT_NL_A_FORCE]);
		tgt_driver_put(ops);
	}
	tgt_host_put(host);
	return rc;
}

static int lun_changed(struct sk_buff *request, struct genl_info *info)
{
	struct tgt_host *host;
	int rc = -ENODEV;

	if (GENL_REQ_ATTR_CHECK(info, TGT_NL_A_LUN) ||
	    GENL_REQ_ATTR_CHECK(info, TGT_NL_A_LUN_PRESENT))
		return -EINVAL;
	host = host_of(info);
	if (IS_ERR(host))
		return PTR_ERR(host);
	if (tgt_host_enter(host)) {
		if (host->ops->lun_changed)
			host->ops->lun_changed(host, nla_data(info->attrs[TGT_NL_A_LUN]),
					       nla_get_u8(info->attrs[TGT_NL_A_LUN_PRESENT]));
		tgt_host_leave(host);
		rc = 0;
	}
	tgt_host_put(host);
	return rc;
}

/* --- dumps --------------------------------------------------------------- */

/* Where a dump is: what it has said last. Lies in cb->args. */
struct position {
	long host;
	long inner;	/* of that host: nexus, or queues that were said */
};

static struct position *position_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct position) > sizeof(cb->args));
	return (struct position *)cb->args;
}

static const struct nlattr *asked(struct netlink_callback *cb, int attribute)
{
	return nlmsg_find_attr(cb->nlh, GENL_HDRLEN, attribute);
}

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 command)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &tgt_nl_family, NLM_F_MULTI, command);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/* True: it fitted. */
static bool dump_end(struct sk_buff *skb, void *header, int error)
{
	if (error)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return !error;
}

static bool dump_host(struct sk_buff *skb, struct netlink_callback *cb, struct tgt_host *host)
{
	const struct nlattr *lld = asked(cb, TGT_NL_A_LLD);
	void *header;

	if (lld && nla_strcmp(lld, host->lld))
		return true;
	header = dump_begin(skb, cb, TGT_NL_HOST_GET);
	return header && dump_end(skb, header, put_host(skb, host));
}

static bool dump_queues(struct sk_buff *skb, struct netlink_callback *cb, struct tgt_host *host)
{
	struct position *at = position_of(cb);
	void *header;

	for (; at->inner < host->queue_count; at->inner++) {
		header = dump_begin(skb, cb, TGT_NL_QUEUE_GET);
		if (!header || !dump_end(skb, header, put_queue(skb, &host->queues[at->inner])))
			return false;
	}
	return true;
}

static bool dump_nexuses(struct sk_buff *skb, struct netlink_callback *cb, struct tgt_host *host)
{
	struct position *at = position_of(cb);
	struct tgt_nexus *nexus;
	bool fits = true;
	void *header;

	while (fits && (nexus = tgt_nexus_next(host, at->inner))) {
		header = dump_begin(skb, cb, TGT_NL_NEXUS_GET);
		fits = header && dump_end(skb, header, put_nexus(skb, nexus));
		if (fits)
			at->inner = nexus->number;
		tgt_nexus_put(nexus);
	}
	return fits;
}

/* The host that is to be said next, or of which not all was said. */
static struct tgt_host *dump_next(struct netlink_callback *cb)
{
	const struct nlattr *only = asked(cb, TGT_NL_A_HOST);
	struct position *at = position_of(cb);

	if (!only)
		return tgt_host_next(at->host);
	return at->host < nla_get_u32(only) ? tgt_host_get(nla_get_u32(only)) : NULL;
}

static int dump(struct sk_buff *skb, struct netlink_callback *cb,
		bool (*say)(struct sk_buff *skb, struct netlink_callback *cb,
			    struct tgt_host *host))
{
	struct position *at = position_of(cb);
	struct tgt_host *host;
	bool fits = true;

	cb->seq = atomic_read(&tgt_nl_changes) ?: 1;
	while (fits && (host = dump_next(cb))) {
		fits = say(skb, cb, host);
		if (fits) {
			at->host = host->number;
			at->inner = 0;
		}
		tgt_host_put(host);
	}
	return skb->len;
}

static int hosts_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_host);
}

static int queues_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_queues);
}

static int nexuses_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_nexuses);
}

/* --- events -------------------------------------------------------------- */

/* NULL: nobody listens, or no memory. What is begun here ends in event_send(). */
static struct sk_buff *event_begin(u8 command, void **header)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(&tgt_nl_family, &init_net, 0))
		return NULL;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return NULL;
	*header = genlmsg_put(skb, 0, 0, &tgt_nl_family, 0, command);
	if (*header)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

static void event_send(struct sk_buff *skb, void *header, bool whole)
{
	if (!whole) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast(&tgt_nl_family, skb, 0, 0, GFP_KERNEL);
}

void tgt_nl_host_added(struct tgt_host *host)
{
	struct sk_buff *skb;
	void *header;

	atomic_inc(&tgt_nl_changes);
	skb = event_begin(TGT_NL_HOST_ADDED, &header);
	if (skb)
		event_send(skb, header, !put_host(skb, host));
}

void tgt_nl_host_removed(struct tgt_host *host)
{
	struct sk_buff *skb;
	void *header;

	atomic_inc(&tgt_nl_changes);
	skb = event_begin(TGT_NL_HOST_REMOVED, &header);
	if (skb)
		event_send(skb, header,
			   !nla_put_u32(skb, TGT_NL_A_HOST, host->number) &&
			   !nla_put_string(skb, TGT_NL_A_LLD, host->lld));
}

void tgt_nl_nexus_added(struct tgt_nexus *nexus)
{
	struct sk_buff *skb;
	void *header;

	atomic_inc(&tgt_nl_changes);
	skb = event_begin(TGT_NL_NEXUS_ADDED, &header);
	if (skb)
		event_send(skb, header, !put_nexus(skb, nexus));
}

void tgt_nl_nexus_removed(struct tgt_nexus *nexus)
{
	struct sk_buff *skb;
	void *header;

	atomic_inc(&tgt_nl_changes);
	skb = event_begin(TGT_NL_NEXUS_REMOVED, &header);
	if (skb)
		event_send(skb, header,
			   !nla_put_u32(skb, TGT_NL_A_HOST, nexus->host->number) &&
			   !nla_put_u32(skb, TGT_NL_A_NEXUS, nexus->number) &&
			   !nla_put_string(skb, TGT_NL_A_INITIATOR, nexus->name));
}

static bool put_attached(struct sk_buff *skb, struct tgt_queue *queue, pid_t pid)
{
	return !nla_put_u32(skb, TGT_NL_A_HOST, queue->host->number) &&
	       !nla_put_u32(skb, TGT_NL_A_QUEUE, queue->index) &&
	       !nla_put_u32(skb, TGT_NL_A_PID, pid);
}

void tgt_nl_queue_attached(struct tgt_queue *queue, pid_t pid)
{
	struct sk_buff *skb;
	void *header;

	skb = event_begin(TGT_NL_QUEUE_ATTACHED, &header);
	if (skb)
		event_send(skb, header, put_attached(skb, queue, pid));
}

void tgt_nl_queue_detached(struct tgt_queue *queue, pid_t pid, enum tgt_nl_detach_reason reason)
{
	struct sk_buff *skb;
	void *header;

	skb = event_begin(TGT_NL_QUEUE_DETACHED, &header);
	if (skb)
		event_send(skb, header,
			   put_attached(skb, queue, pid) &&
			   !nla_put_u32(skb, TGT_NL_A_DETACH_REASON, reason));
}

/* --- the family ---------------------------------------------------------- */

static struct netlink_range_validation a_host = { .min = 1, .max = U32_MAX };
static struct netlink_range_validation new_host = { .min = 1, .max = U16_MAX };

static const struct nla_policy host_get_policy[] = {
	[TGT_NL_A_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &a_host),
	[TGT_NL_A_LLD] = { .type = NLA_NUL_STRING, .len = TGT_LLD_NAME - 1 },
};

static const struct nla_policy host_new_policy[] = {
	[TGT_NL_A_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &new_host),
	[TGT_NL_A_LLD] = { .type = NLA_NUL_STRING, .len = TGT_LLD_NAME - 1 },
	[TGT_NL_A_QUEUES] = NLA_POLICY_RANGE(NLA_U32, 1, TGT_MAX_QUEUES),
	[TGT_NL_A_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, TGT_MAX_DEPTH),
	[TGT_NL_A_NEXUSES] = NLA_POLICY_RANGE(NLA_U32, 1, TGT_NL_MAX_NEXUSES),
};

static const struct nla_policy host_del_policy[] = {
	[TGT_NL_A_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &a_host),
	[TGT_NL_A_FORCE] = { .type = NLA_FLAG },
};

static const struct nla_policy of_host_policy[] = {
	[TGT_NL_A_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &a_host),
};

static const struct nla_policy lun_changed_policy[] = {
	[TGT_NL_A_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &a_host),
	[TGT_NL_A_LUN] = NLA_POLICY_EXACT_LEN(8),
	[TGT_NL_A_LUN_PRESENT] = NLA_POLICY_MAX(NLA_U8, 1),
};

static const struct genl_ops tgt_nl_ops[] = {
	{
		.cmd = TGT_NL_VERSION_GET,
		.flags = GENL_ADMIN_PERM,
		.doit = version_get,
	}, {
		.cmd = TGT_NL_HOST_GET,
		.flags = GENL_ADMIN_PERM,
		.doit = host_get,
		.dumpit = hosts_dump,
		.policy = host_get_policy,
		.maxattr = ARRAY_SIZE(host_get_policy) - 1,
	}, {
		.cmd = TGT_NL_HOST_NEW,
		.flags = GENL_ADMIN_PERM,
		.doit = host_new,
		.policy = host_new_policy,
		.maxattr = ARRAY_SIZE(host_new_policy) - 1,
	}, {
		.cmd = TGT_NL_HOST_DEL,
		.flags = GENL_ADMIN_PERM,
		.doit = host_del,
		.policy = host_del_policy,
		.maxattr = ARRAY_SIZE(host_del_policy) - 1,
	}, {
		.cmd = TGT_NL_QUEUE_GET,
		.flags = GENL_ADMIN_PERM,
		.dumpit = queues_dump,
		.policy = of_host_policy,
		.maxattr = ARRAY_SIZE(of_host_policy) - 1,
	}, {
		.cmd = TGT_NL_NEXUS_GET,
		.flags = GENL_ADMIN_PERM,
		.dumpit = nexuses_dump,
		.policy = of_host_policy,
		.maxattr = ARRAY_SIZE(of_host_policy) - 1,
	}, {
		.cmd = TGT_NL_LUN_CHANGED,
		.flags = GENL_ADMIN_PERM,
		.doit = lun_changed,
		.policy = lun_changed_policy,
		.maxattr = ARRAY_SIZE(lun_changed_policy) - 1,
	},
};

static const struct genl_multicast_group tgt_nl_groups[] = {
	{ .name = TGT_NL_GROUP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

static struct genl_family tgt_nl_family __ro_after_init = {
	.name = TGT_NL_FAMILY,
	.version = TGT_NL_VERSION,
	.module = THIS_MODULE,
	.parallel_ops = true,	/* to remove a host takes its time */
	.ops = tgt_nl_ops,
	.n_ops = ARRAY_SIZE(tgt_nl_ops),
	.mcgrps = tgt_nl_groups,
	.n_mcgrps = ARRAY_SIZE(tgt_nl_groups),
};

int __init tgt_nl_init(void)
{
	return genl_register_family(&tgt_nl_family);
}

void tgt_nl_exit(void)
{
	genl_unregister_family(&tgt_nl_family);
}
