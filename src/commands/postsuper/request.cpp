#include "postsuper/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "command/command.h"

namespace postsuper {

namespace {

constexpr std::string_view kUsage =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or "
    "un-hold)] "
    "[-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] "
    "[-s (structure fix)] [-S (redundant structure fix)] [-v (verbose)] [queue...]";

using queue::Folder;
constexpr std::array kAllowed = {Folder::maildrop, Folder::hold,  Folder::incoming, Folder::active, Folder::deferred,
                                 Folder::bounce,   Folder::defer, Folder::trace,    Folder::flush};

void add(Targets& targets, const std::string& text) {
  if (text == "ALL") {
    targets.all = true;
  } else {
    targets.ids.push_back(text);
  }
}

}  // namespace

Request parse(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:d:e:f:h:H:pr:sSv", kUsage);
  Request request;
  request.config_directory = line.last('c');
  for (const auto& [letter, argument] : line.options) {
    if (letter == 'v') ++request.verbosity;
    if (letter == 's') request.structure = true;
    if (letter == 'S') request.structure = request.structure_strict = true;
    if (letter == 'p') request.purge = true;
    if (letter == 'd') add(request.remove, argument);
    if (letter == 'e') add(request.expire, argument);
    if (letter == 'f') add(request.expire_and_release, argument);
    if (letter == 'h') add(request.hold, argument);
    if (letter == 'H') add(request.release, argument);
    if (letter == 'r') add(request.requeue, argument);
  }
  const bool acts = request.remove.any() || request.expire.any() || request.expire_and_release.any() ||
                    request.hold.any() || request.release.any() || request.requeue.any();
  if (!acts && !request.structure && !request.purge) request.structure = request.purge = true;
  for (const std::string& name : line.operands) {
    const auto folder = queue::folder_named(name);
    if (!folder || std::ranges::find(kAllowed, *folder) == kAllowed.end()) {
      throw base::Fatal(fmt::format("invalid directory name: {}", name));
    }
    request.folders.push_back(*folder);
  }
  return request;
}

}  // namespace postsuper
