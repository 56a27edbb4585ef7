// catalog.h - starts the catalog: its tables, jobs and what the host asks of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CATALOG_H
#define SHOAL_CORE_CATALOG_CATALOG_H
#include <shoal/catalog.h>
#include <shoal/media.h>

#include "data/data.h"
#include "host/host.h"

/// Migrates the catalog's tables; before plugins start. copied: see shoal_migrate().
int shoal_catalog_migrate(char *copied, struct shoal_err *err);
/// Its migrations ("core.catalog"), in order.
const struct shoal_migration *shoal_catalog_migrations(size_t *count);
/// Registers the catalog's job kinds and its authentication with the host; before plugins start.
int shoal_catalog_start(const struct shoal_config *config, struct shoal_err *err);
/// Before the plugins stop: ends what the catalog does beside requests and jobs.
void shoal_catalog_rest(void);
void shoal_catalog_stop(void);
/// Whether the first administrator may be called that. SHOAL_EINVAL with a sentence.
int shoal_catalog_admin_check(const char *admin, struct shoal_err *err);
/// Makes the first administrator (and the instance's keys and actor `peertube`) of a new instance.
int shoal_catalog_found(struct shoal_call *call, const char *admin, const char *password,
    const char *email, struct shoal_err *err);

#endif
