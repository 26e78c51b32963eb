#pragma once

#include <string_view>

namespace routing {

enum class AddressClass { local, virtual_alias, virtual_mailbox, relay, other };
std::string_view name_of(AddressClass address_class);

}  // namespace routing
