#pragma once
// A message through cleanup's rules, in the language of tests: records as "T 1795258988 27007", one a line.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/message.h"
#include "cleanup/record_view.h"
#include "client/cleanup_client.h"
#include "config/config.h"
#include "logging/log.h"

namespace cleaning {

namespace flag = client::cleanup_flag;
namespace status = client::cleanup_status;

using Records = std::vector<std::string>;

constexpr int kSmtpd = flag::kFilter | flag::kBccOk | flag::kMapOk | flag::kSmtpReply;
constexpr const char* kTime = "T 1795258988 27007";
constexpr const char* kId = "9F850A78B12";

inline std::string encoded(const Records& records) {
  std::string bytes;
  for (const std::string& record : records)
    queue::append_record(bytes, static_cast<queue::RecordType>(record[0]),
                         record.size() > 2 ? std::string_view(record).substr(2) : std::string_view());
  return bytes;
}

inline Records decoded(std::string_view bytes) {
  Records records;
  while (const auto record = cleanup::take_record(bytes)) {
    std::string line(1, static_cast<char>(record->type));
    if (!record->data.empty()) line += ' ' + std::string(record->data);
    records.push_back(std::move(line));
  }
  return records;
}

struct Cleaned {
  int status = 0;
  std::string reason;
  int flags = 0;
  bool understood = true;
  bool ended = false;
  Records records;
  std::vector<std::string> log;
  Records expanded;

  bool has(std::string_view record) const { return std::ranges::find(records, record) != records.end(); }
  bool logged(std::string_view text) const {
    return std::ranges::any_of(log, [text](const std::string& line) { return line.contains(text); });
  }
  // The records from the first that begins so, to before the first that begins with `end`.
  Records between(std::string_view begin, std::string_view end) const {
    const auto first = std::ranges::find_if(records, [&](const std::string& one) { return one.starts_with(begin); });
    const auto last = std::find_if(first, records.end(), [&](const std::string& one) { return one.starts_with(end); });
    return {first, last};
  }
  queue::Sizes sizes() const { return *queue::Sizes::parse(records.at(0).substr(2)); }
};

class Cleaning : public ::testing::Test {
 protected:
  // Parameters as lines of main.cf.
  void configure(std::string_view main_cf) {
    auto loaded = config::Config::from_text(
        "compatibility_level = 3.6\nmyhostname = mx.fmt.test\nmydomain = fmt.test\nmyorigin = fmt.test\nmydestination "
        "= mx.fmt.test, fmt.test\n"
        "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n" +
            std::string(main_cf) + "\n",
        {.process_name = "cleanup"});
    ASSERT_TRUE(loaded) << loaded.error().text;
    tables_.reset();
    config_ = std::make_unique<config::Config>(*std::move(loaded));
    settings_ = std::make_unique<cleanup::Settings>(*config_);
    tables_ = std::make_unique<cleanup::Tables>(*config_);
  }

  Cleaned clean(const Records& records, int flags = kSmtpd) { return clean_bytes(encoded(records), flags); }

  Cleaned clean_bytes(std::string_view bytes, int flags = kSmtpd) {
    if (!settings_) configure("");
    logging::Capture capture;
    cleanup::MemoryOutput output;
    cleanup::Transaction transaction(*settings_, *tables_, output, kId, {1795258990, 0}, flags);
    cleanup::Message message(transaction);
    Cleaned result;
    result.understood = message.take(bytes);
    result.ended = message.ended();
    result.status = transaction.status;
    result.reason = transaction.reason;
    result.flags = transaction.flags;
    result.records = decoded(output.records());
    for (const queue::StatusEntry& entry : transaction.expanded)
      result.expanded.push_back(entry.recipient + ' ' + entry.action + ' ' + entry.status + ' ' + entry.reason);
    for (const auto& event : capture.events()) result.log.push_back(event.text);
    return result;
  }

  // A plain message; `envelope` stands before its only recipient, `head` after the Received header.
  static Records message(const Records& envelope = {}, const Records& head = {}, const Records& body = {"N hello"},
                         const Records& extracted = {}) {
    Records records{kTime, "S s@fmt.test"};
    append(records, envelope);
    append(records, {"R r@fmt.test", "M", "N Received: by x (Postfix)", "N \tid 1; date"});
    append(records, head);
    append(records, {"N"});
    append(records, body);
    append(records, {"X"});
    append(records, extracted);
    append(records, {"E"});
    return records;
  }
  static Records content(const Records& records) {
    Records all{kTime, "S s@fmt.test", "R r@fmt.test", "M"};
    append(all, records);
    append(all, {"X", "E"});
    return all;
  }
  static void append(Records& to, const Records& more) { to.insert(to.end(), more.begin(), more.end()); }

  Records envelope_of(const Records& records, int flags = kSmtpd) { return clean(records, flags).between("T ", "M"); }
  Records header_of(const Records& head, int flags = kSmtpd) {
    Records records = clean(message({}, head), flags).between("M", "X");
    records.erase(records.begin(), records.begin() + 3);
    records.resize(static_cast<std::size_t>(std::ranges::find(records, "N") - records.begin()));
    return records;
  }

  std::unique_ptr<config::Config> config_;
  std::unique_ptr<cleanup::Settings> settings_;
  std::unique_ptr<cleanup::Tables> tables_;
};

}  // namespace cleaning
