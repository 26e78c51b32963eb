#pragma once
// A notice as a message: RFC 3464's three parts, written as queue records. Pure: entries and settings in, records out.

#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bounce/settings.h"
#include "client/bounce_client.h"
#include "queue/message.h"
#include "queue/status_log.h"

namespace bounce {

enum class Included { message, headers };

// One notice: to whom, about whom, with how much of the original.
struct Letter {
  config::BounceKind kind = config::BounceKind::failure;
  bool for_postmaster = false;  // a copy: other subject, no friendly text
  std::string sender;
  std::string recipient;
  Included included = Included::message;
  std::vector<queue::StatusEntry> entries;
};

// What is known of the message that the notice is about. Its file may be gone or damaged: `file` is null then, and the
// notice says what it can.
struct Original {
  queue::MessageFile* file = nullptr;
  queue::Envelope envelope;
  std::string message_id;  // for threads
};
std::string find_message_id(queue::MessageFile& file);  // empty when there is none

using Sink = std::function<void(queue::RecordType, std::string_view)>;

// Everything but the closing E record. `queue_id` is the notice's own.
void write(const Sink& sink, const Letter& letter, const client::NoticeRequest& about, const Original& original,
           const Settings& settings, const std::string& queue_id, queue::TimeStamp now);

}  // namespace bounce
