// SPDX-License-Identifier: GPL-2.0-only
/* Drivers that make hosts when the administrator asks for them. */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core.h"

/* Found, and unregister waits, as long as it has users. */
struct tgt_driver {
	struct list_head link;
	const struct tgt_host_ops *ops;
	u32 users;
	bool leaving;
};

static DEFINE_MUTEX(tgt_drivers_mutex);
static LIST_HEAD(tgt_drivers);
static DECLARE_WAIT_QUEUE_HEAD(tgt_drivers_wait);

static struct tgt_driver *tgt_driver_find(const char *name)
{
	struct tgt_driver *driver;

	list_for_each_entry(driver, &tgt_drivers, link)
		if (!strcmp(driver->ops->name, name))
			return driver;
	return NULL;
}

int tgt_driver_register(const struct tgt_host_ops *ops)
{
	struct tgt_driver *driver = kzalloc(sizeof(*driver), GFP_KERNEL);
	int rc = 0;

	if (!driver)
		return -ENOMEM;
	driver->ops = ops;
	mutex_lock(&tgt_drivers_mutex);
	if (tgt_driver_find(ops->name))
		rc = -EEXIST;
	else
		list_add_tail(&driver->link, &tgt_drivers);
	mutex_unlock(&tgt_drivers_mutex);
	if (rc)
		kfree(driver);
	return rc;
}
EXPORT_SYMBOL_GPL(tgt_driver_register);

void tgt_driver_unregister(const struct tgt_host_ops *ops)
{
	struct tgt_driver *driver;

	mutex_lock(&tgt_drivers_mutex);
	driver = tgt_driver_find(ops->name);
	if (WARN_ON(!driver || driver->ops != ops)) {
		mutex_unlock(&tgt_drivers_mutex);
		return;
	}
	driver->leaving = true;
	mutex_unlock(&tgt_drivers_mutex);
	wait_event(tgt_drivers_wait, !READ_ONCE(driver->users));
	mutex_lock(&tgt_drivers_mutex);
	list_del(&driver->link);
	mutex_unlock(&tgt_drivers_mutex);
	kfree(driver);
}
EXPORT_SYMBOL_GPL(tgt_driver_unregister);

const struct tgt_host_ops *tgt_driver_get(const char *name)
{
	const struct tgt_host_ops *ops = NULL;
	struct tgt_driver *driver;

	mutex_lock(&tgt_drivers_mutex);
	driver = tgt_driver_find(name);
	if (driver && !driver->leaving && try_module_get(driver->ops->owner)) {
		driver->users++;
		ops = driver->ops;
	}
	mutex_unlock(&tgt_drivers_mutex);
	return ops;
}

void tgt_driver_put(const struct tgt_host_ops *ops)
{
	struct module *owner = ops->owner;
	struct tgt_driver *driver;

	mutex_lock(&tgt_drivers_mutex);
	driver = tgt_driver_find(ops->name);
	if (!--driver->users)
		wake_up_all(&tgt_drivers_wait);
	mutex_unlock(&tgt_drivers_mutex);
	module_put(owner);
}
