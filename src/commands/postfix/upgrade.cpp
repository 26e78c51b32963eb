#include "postfix/upgrade.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/text.h"
#include "config/master_cf.h"

namespace postfix {

namespace {

// Programs ask for these by name. What only an administrator can want (submission, lmtp) is not here.
constexpr std::array<std::string_view, 21> kNeeded = {
    "pickup    unix  n       -       n       60      1       pickup",
    "cleanup   unix  n       -       n       -       0       cleanup",
    "qmgr      unix  n       -       n       300     1       qmgr",
    "tlsmgr    unix  -       -       n       1000?   1       tlsmgr",
    "rewrite   unix  -       -       n       -       -       trivial-rewrite",
    "bounce    unix  -       -       n       -       0       bounce",
    "defer     unix  -       -       n       -       0       bounce",
    "trace     unix  -       -       n       -       0       bounce",
    "verify    unix  -       -       n       -       1       verify",
    "flush     unix  n       -       n       1000?   0       flush",
    "proxymap  unix  -       -       n       -       -       proxymap",
    "proxywrite unix -       -       n       -       1       proxymap",
    "smtp      unix  -       -       n       -       -       smtp",
    "showq     unix  n       -       n       -       -       showq",
    "error     unix  -       -       n       -       -       error",
    "retry     unix  -       -       n       -       -       error",
    "discard   unix  -       -       n       -       -       discard",
    "local     unix  -       n       n       -       -       local",
    "virtual   unix  -       n       n       -       -       virtual",
    "anvil     unix  -       -       n       -       1       anvil",
    "postlog   unix-dgram n  -       n       -       1       postlogd",
};

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find(' '));
}

}  // namespace

std::expected<std::vector<std::string>, base::Error> missing_services(std::string_view master_cf,
                                                                      const std::string& name_for_messages) {
  const auto file = config::parse_master_cf(master_cf, name_for_messages);
  if (!file) return std::unexpected(file.error());
  std::vector<std::string> missing;
  for (const std::string_view line : kNeeded) {
    const std::string_view name = first_word(line);
    // pickup and qmgr were FIFOs once; that is as good.
    const bool is_there = std::ranges::any_of(
        file->lines, [&](const config::ServiceLine& each) { return each.name == name && each.type != "inet"; });
    if (!is_there) missing.emplace_back(line);
  }
  return missing;
}

bool upgrade_configuration(const Installation& installation) {
  const std::string path = installation.config_directory + "/master.cf";
  constexpr std::size_t kLargest = 16 * 1024 * 1024;
  const auto give_up = [](const base::Error& error) {
    complain(error.text);
    return false;
  };
  const auto text = base::read_file(path, kLargest);
  if (!text) return give_up(text.error());
  const auto missing = missing_services(*text, path);
  if (!missing) return give_up(missing.error());
  if (missing->empty()) return true;

  std::string whole = *text;
  if (!whole.empty() && !whole.ends_with('\n')) whole += '\n';
  for (const std::string& line : *missing) {
    inform(fmt::format("{}: adding service {}", path, first_word(line)));
    whole += line + '\n';
  }
  const auto state = base::stat_of(path);
  if (!state) return give_up(state.error());
  auto file = base::ReplacementFile::create(path, {state->st_uid, state->st_gid, state->st_mode & 07777});
  if (!file) return give_up(file.error());
  if (const auto written = base::write_fully(file->fd(), whole, path); !written) return give_up(written.error());
  if (const auto committed = file->commit(); !committed) return give_up(committed.error());
  return true;
}

}  // namespace postfix
