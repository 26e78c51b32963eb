#include "queue/status_log.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "queue/log_file.h"
#include "queue/message.h"
#include "queue/steps.h"

namespace queue {

namespace {

constexpr LogSteps kSteps = {step::kStatusOpen, step::kStatusWrite, step::kStatusTakeBack};
constexpr std::size_t kLargestLog = std::size_t{256} * 1024 * 1024;

constexpr std::string_view kNoRecipient = "(recipient address unavailable)";
constexpr std::string_view kNoReason = "(description unavailable)";

std::string shown(std::string_view address) {
  return address.empty() ? std::string("<>") : mail::quote(address);
}

std::string hidden(std::string_view text) {
  return text == "<>" ? std::string() : mail::unquote(text);
}

void add_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append("=").append(base::printable(value)).append("\n");
}

void add_entry(std::string& to, const StatusEntry& entry, bool compatible) {
  to.append("\n");
  if (compatible) {
    const std::string address = entry.recipient.empty() ? std::string() : mail::quote(entry.recipient);
    to.append(base::printable(fmt::format("<{}>: {}", address, entry.reason))).append("\n");
  }
  add_line(to, "recipient", shown(entry.recipient));
  if (!entry.original_recipient.empty() && !base::equals_folded(entry.original_recipient, entry.recipient)) {
    add_line(to, "original_recipient", shown(entry.original_recipient));
  }
  if (entry.offset > 0) add_line(to, "offset", fmt::to_string(entry.offset));
  if (!entry.dsn_original.empty()) add_line(to, "dsn_orig_rcpt", entry.dsn_original);
  if (entry.notify != 0) add_line(to, "notify_flags", fmt::to_string(entry.notify));
  add_line(to, "status", entry.status);
  add_line(to, "action", entry.action);
  if (!entry.diagnostic_type.empty() && !entry.diagnostic_text.empty()) {
    add_line(to, "diag_type", entry.diagnostic_type);
    add_line(to, "diag_text", entry.diagnostic_text);
  }
  if (!entry.mta_type.empty() && !entry.mta_name.empty()) {
    add_line(to, "mta_type", entry.mta_type);
    add_line(to, "mta_mname", entry.mta_name);
  }
  if (!entry.reason.empty()) add_line(to, "reason", entry.reason);
  to.append("\n");
}

// Gathers the lines of one entry, up to the next empty line.
class EntryParser {
 public:
  EntryParser(std::vector<StatusEntry>& entries, Folder log) : entries_(entries), log_(log) {}

  void take(std::string_view line) {
    if (base::trim(line).empty()) return finish();
    if (base::is_alnum(line.front())) {
      named(line);
    } else if (line.front() == '<') {
      old_form(line);
    }
  }

  void finish() {
    if (!any_) return;
    if (!has_recipient_) entry_.recipient = kNoRecipient;
    if (entry_.reason.empty()) entry_.reason = kNoReason;
    if (entry_.status.empty()) entry_.status = log_ == Folder::defer ? "4.0.0" : "5.0.0";
    if (entry_.action.empty()) entry_.action = log_ == Folder::defer ? "delayed" : "failed";
    entries_.push_back(std::exchange(entry_, {}));
    any_ = false;
    has_recipient_ = false;
  }

 private:
  void old_form(std::string_view line) {
    const auto end = line.find(">: ");
    if (end == std::string_view::npos) return;
    recipient(line.substr(1, end - 1));
    entry_.reason = line.substr(end + 3);
  }

  void recipient(std::string_view text) {
    entry_.recipient = hidden(text);
    has_recipient_ = true;
    any_ = true;
  }

  void named(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = base::trim(line.substr(0, equals));
    const std::string_view value = base::trim(line.substr(equals + 1));
    any_ = true;
    if (name == "recipient") {
      recipient(value);
    } else if (name == "original_recipient") {
      entry_.original_recipient = hidden(value);
    } else if (name == "offset") {
      entry_.offset = std::max<std::int64_t>(parse_number(value).value_or(0), 0);
    } else if (name == "notify_flags") {
      const auto flags = parse_number(value);
      entry_.notify = flags && *flags >= 0 && *flags <= 15 ? static_cast<int>(*flags) : 0;
    } else if (std::string* const text = text_named(name)) {
      *text = value;
    }
  }

  std::string* text_named(std::string_view name) {
    if (name == "dsn_orig_rcpt") return &entry_.dsn_original;
    if (name == "status") return &entry_.status;
    if (name == "action") return &entry_.action;
    if (name == "diag_type") return &entry_.diagnostic_type;
    if (name == "diag_text") return &entry_.diagnostic_text;
    if (name == "mta_type") return &entry_.mta_type;
    if (name == "mta_mname") return &entry_.mta_name;
    if (name == "reason") return &entry_.reason;
    return nullptr;
  }

  std::vector<StatusEntry>& entries_;
  Folder log_;
  StatusEntry entry_;
  bool any_ = false;
  bool has_recipient_ = false;
};

}  // namespace

disk::Result<void> append_status(const Spool& spool, Folder log, const Id& id, const std::vector<StatusEntry>& entries,
                                 Durable durable, bool compatible) {
  if (entries.empty()) return {};
  std::string text;
  for (const StatusEntry& entry : entries) add_entry(text, entry, compatible);

  disk::Disk& disk = spool.disk();
  const auto file = open_locked(spool, kSteps.open, log, id);
  if (!file) return std::unexpected(file.error());
  if (auto written = append_text(disk, kSteps, *file, text); !written) return written;
  if (durable == Durable::no) return {};
  auto synced = disk.sync(step::kStatusSync, file->fd.get());
  if (synced && file->size == 0) {
    std::string directory = spool.directory(log, id);
    directory.pop_back();
    synced = disk.sync_directory(step::kStatusName, directory);
  }
  // The recipients stay to be done, so their next fate must not meet this one in the log.
  if (!synced) (void)disk.truncate(kSteps.take_back, file->fd.get(), file->size);
  return synced;
}

std::vector<StatusEntry> parse_status(std::string_view content, Folder log) {
  std::vector<StatusEntry> entries;
  EntryParser parser(entries, log);
  while (!content.empty()) {
    const auto newline = content.find('\n');
    parser.take(content.substr(0, newline));
    if (newline == std::string_view::npos) break;
    content.remove_prefix(newline + 1);
  }
  parser.finish();
  return entries;
}

std::expected<std::optional<std::vector<StatusEntry>>, base::Error> read_status(const Spool& spool, Folder log,
                                                                                const Id& id) {
  const auto content = read_log(spool.path(log, id), kLargestLog);
  if (!content) return std::unexpected(base::Error{content.error().text});
  if (!*content) return std::nullopt;
  return parse_status(**content, log);
}

}  // namespace queue
