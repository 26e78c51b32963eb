#pragma once
// The queue as an attribute list a message: what public/showq says.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/time_units.h"
#include "io/stream.h"
#include "queue/record.h"
#include "queue/spool.h"
#include "queue/status_log.h"

namespace showq {

// detailed: a recipient's pair of attributes is followed by original_recipient, when that is known and another one, and
// by bounced=1, when the reason is that of a bounce.
enum class Form { classic, detailed };

// Whether the peer gave its own end of the connection the name by which our postqueue asks for details. Nothing needs
// to be read for it, and servers that do not know of it see nothing.
bool asks_for_details(int socket);

struct Style {
  Form form = Form::classic;
  std::string empty_address;     // shown for the null sender and recipient
  base::Seconds patience{3600};  // with a client that takes nothing
};

// Memory is bounded whatever the queue holds: what is known is sent on, and a message with very many reasons lists
// those recipients twice whose reasons did not fit into memory.
class Listing {
 public:
  Listing(const queue::Spool& spool, io::Stream& stream, Style style)
      : spool_(spool), stream_(stream), style_(std::move(style)) {}

  void write();  // throws io::StreamError

 private:
  struct Summary;
  void write_folder(queue::Folder folder);
  void write_message(queue::Folder folder, const queue::Id& id, const std::string& path);
  bool read_start(queue::RecordReader& reader, Summary& summary);
  void write_reasons(queue::Folder log, const queue::Id& id);
  void write_recipients(queue::RecordReader& reader, const Summary& summary);
  void write_recipient(std::string_view address, std::string_view original, std::string_view reason, bool bounced);
  std::string shown(std::string_view address) const;
  void send_gathered();

  const queue::Spool& spool_;
  io::Stream& stream_;
  Style style_;
  bool bounces_ = false;                  // whether there is any bounce log at all
  std::unordered_set<std::size_t> told_;  // hashes of the present message's recipients with reasons
  std::string gathered_;
};

}  // namespace showq
