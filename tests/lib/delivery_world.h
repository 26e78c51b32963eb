#pragma once
// A queue directory with one message in active/ and the request to deliver it.

#include <fcntl.h>

#include <string>
#include <vector>

#include "config/config.h"
#include "delivery/agent.h"
#include "delivery/request.h"
#include "lib/message_text.h"
#include "lib/spool_folder.h"
#include "queue/message.h"

namespace tests {

inline config::Config config_of(std::string_view main_cf) {
  auto config = config::Config::from_text(main_cf, {.process_name = "test"});
  if (!config) throw std::runtime_error(config.error().text);
  return std::move(*config);
}

class DeliveryWorld {
 public:
  static constexpr std::int64_t kArrival = 1795258988'027007;  // microseconds, as in MessageText

  explicit DeliveryWorld(const std::vector<std::string>& addresses = {"one@b.example"},
                         std::vector<std::string> content = {record('N', "Received: by x"),
                                                             record('N', "Subject: test"), record('N'),
                                                             record('N', "text")}) {
    MessageText message;
    message.recipients.clear();
    for (const std::string& address : addresses) message.recipients.push_back(record('R', address));
    message.content = std::move(content);
    put(message.text());
    request.queue_id = kId;
    request.sender = "sender@a.example";
    request.times.arrival = kArrival;
    request.times.active = kArrival + 10'000;
    queue::MessageFile file(open(), path());
    const auto envelope = file.read_envelope();
    const auto batch = file.read_recipients(0, 1000);
    if (!envelope || !batch) throw std::runtime_error("the message of the test is damaged");
    request.data_offset = envelope->sizes.data_offset;
    request.size = envelope->sizes.message;
    for (const queue::Recipient& recipient : batch->recipients) {
      request.recipients.push_back({.address = recipient.address,
                                    .original = recipient.original,
                                    .dsn_original = recipient.dsn_original,
                                    .notify = recipient.notify,
                                    .offset = recipient.offset});
    }
  }

  static std::string path() { return "active/4jWq1z2abc"; }
  static void put(std::string_view content) { SpoolFolder::put(path(), content); }
  static base::Fd open() { return base::Fd(::open(path().c_str(), O_RDWR | O_CLOEXEC)); }
  // 'R' or 'D'.
  char mark(std::size_t recipient = 0) const {
    return SpoolFolder::content(path()).at(static_cast<std::size_t>(request.recipients.at(recipient).offset));
  }
  static std::string log(std::string_view folder) { return SpoolFolder::content(std::string(folder) + "/" + kId); }

  SpoolFolder folder;
  delivery::Request request;
  static constexpr const char* kId = "4jWq1z2abc";
  static queue::SpoolSettings flat() {
    queue::SpoolSettings settings;
    settings.hashed = {};
    return settings;
  }
};

}  // namespace tests
