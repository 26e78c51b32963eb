#pragma once
// Recipients as the scheduler keeps them: packed, for there may be many, and most of what is known about one repeats
// its address.

#include <string>
#include <string_view>
#include <vector>

#include "delivery/request.h"
#include "qmgr/scheduler/packed_list.h"

namespace qmgr {

std::string pack(const delivery::RequestRecipient& recipient);
delivery::RequestRecipient unpack(std::string_view packed);
std::vector<delivery::RequestRecipient> unpack_all(const scheduler::PackedList& packed);

}  // namespace qmgr
