#pragma once
// One message on its way through cleanup: records in, records out. Knows nothing of sockets, files and clocks.
//
//   envelope    T S A ... R ...      until M
//   header      N L                  until an empty line, or what is no header
//   body        N L                  until X
//   extracted   A R ...              until E
//
// The size record goes first, as zeros, and is filled in at the end.

#include <string_view>

#include "cleanup/body.h"
#include "cleanup/envelope.h"
#include "cleanup/headers.h"
#include "cleanup/transaction.h"

namespace cleanup {

class Message {
 public:
  explicit Message(Transaction& transaction);

  // Whole records. After the E nothing more is wanted; what follows is ignored. False: the bytes are no records, and
  // no end of the message can be found in them.
  bool take(std::string_view records);
  bool ended() const { return stage_ == Stage::ended; }

 private:
  enum class Stage { envelope, header, body, extracted, ended };
  void take(queue::RecordType type, std::string_view data);
  void pass_over(queue::RecordType type, std::string_view data);
  void take_content(queue::RecordType type, std::string_view data);
  void end_of_content();
  void finish();
  void check_size();
  bool too_large() const;

  Transaction& transaction_;
  Envelope envelope_;
  Headers headers_;
  Body body_;
  Stage stage_ = Stage::envelope;
  std::string scratch_;
};

}  // namespace cleanup
