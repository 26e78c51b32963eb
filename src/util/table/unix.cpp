// unix: the accounts and groups that the system knows, unix:passwd.byname and unix:group.byname, in the form of
// passwd(5) and group(5).
#include <grp.h>
#include <pwd.h>

#include <cerrno>

#include "base/accounts.h"
#include "base/error.h"
#include "base/text.h"
#include "io/offload.h"
#include "table/fold.h"
#include "table/types.h"

namespace table {

namespace {

constexpr std::size_t kLargestRecord = 16 * 1024 * 1024;  // a group may list many members

std::string record_of(const struct passwd& user) {
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", user.pw_name, user.pw_passwd, user.pw_uid, user.pw_gid, user.pw_gecos,
                     user.pw_dir, user.pw_shell);
}

std::string record_of(const struct group& group) {
  std::string record = fmt::format("{}:{}:{}:", group.gr_name, group.gr_passwd, group.gr_gid);
  for (char** member = group.gr_mem; *member != nullptr; ++member) {
    if (member != group.gr_mem) record += ',';
    record += *member;
  }
  return record;
}

// getpwnam_r and getgrnam_r in one: grows the buffer until the record fits.
template <typename Record, int get(const char*, Record*, char*, std::size_t, Record**)>
Answer look_up(const std::string& table, const std::string& key) {
  const auto before = base::name_service_can_work();
  std::vector<char> buffer(1024);
  while (true) {
    Record record{};
    Record* found = nullptr;
    const int error = get(key.c_str(), &record, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return record_of(record);
    if (error == ERANGE && buffer.size() < kLargestRecord) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (error == EINTR) continue;
    // Some of these are how the name service says that it knows no such name.
    if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) {
      for (const auto& able : {before, base::name_service_can_work()}) {
        if (!able) return std::unexpected(query_error(table, "name service: " + able.error().text));
      }
      return std::nullopt;
    }
    return std::unexpected(query_error(table, base::with_errno("name service", error)));
  }
}

class UnixTable final : public Table {
 public:
  using LookUp = Answer (*)(const std::string& table, const std::string& key);
  UnixTable(std::string name, const Options& options, LookUp look_up)
      : Table(std::move(name), KeyForm::fixed),
        look_up_(look_up),
        fold_(options.folding == Folding::key),
        utf8_(options.utf8) {}

  Answer lookup(std::string_view key) override {
    const std::string folded = fold_ ? fold_key(key, utf8_) : std::string(key);
    if (folded.empty() || folded.contains('\0') || folded.contains(':')) return std::nullopt;
    return io::offload([&] { return look_up_(name(), folded); });
  }

 private:
  LookUp look_up_;
  bool fold_;
  bool utf8_;
};

}  // namespace

Opened open_unix(const std::string& argument, const Settings&, const Options& options) {
  const std::string name = "unix:" + argument;
  if (options.access != Access::read) return std::unexpected(read_only(name));
  if (argument == "passwd.byname") {
    return std::make_unique<UnixTable>(name, options, look_up<struct passwd, ::getpwnam_r>);
  }
  if (argument == "group.byname") {
    return std::make_unique<UnixTable>(name, options, look_up<struct group, ::getgrnam_r>);
  }
  return std::unexpected(Error{"unknown table: " + name, true});
}

}  // namespace table
