// Tenants, KEKs and datasets as answers show them.
#pragma once

#include "keys/hierarchy.h"
#include "service/json_writer.h"

namespace cloister::service {

void write_tenant(JsonWriter& json, const keys::TenantRecord& tenant);
// With every version.
void write_kek(JsonWriter& json, const keys::TenantRecord& tenant);
// One line of a list.
void write_dataset_line(JsonWriter& json, const keys::DatasetRecord& dataset);
// What its keyring says that anybody may read. kCorrupt when it can't be parsed.
Status write_dataset(JsonWriter& json, const keys::DatasetRecord& dataset);

}  // namespace cloister::service
