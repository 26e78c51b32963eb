#pragma once
// The records around the content: the envelope before it and the extracted segment after it.

#include <set>
#include <string>
#include <string_view>

#include "cleanup/recipients.h"
#include "cleanup/transaction.h"

namespace cleanup {

class Envelope {
 public:
  explicit Envelope(Transaction& message) : message_(message), recipients_(message) {}

  // One record before M or X's E. The M itself is announced by end_of_envelope(), the E by end_of_extracted().
  void take(queue::RecordType type, std::string_view data);
  void end_of_envelope();
  void begin_extracted();
  void take_extracted(queue::RecordType type, std::string_view data);
  void end_of_extracted();

 private:
  struct Attribute {
    std::string_view name;
    std::string_view value;
  };
  enum class Segment { envelope, extracted };
  // False: it must not be stored.
  bool understand_attribute(const Attribute& attribute, std::string_view as_written);
  std::optional<Attribute> split(std::string_view data);
  void take(queue::RecordType type, std::string_view data, std::string_view as_written);
  void take_of_recipient(queue::RecordType type, std::string_view data, std::string_view as_written);
  bool begin_recipients();
  void time(std::string_view data);
  void sender(std::string_view data);
  void full_name(std::string_view data);
  void extra_flags(std::string_view data);
  void verp_delimiters(std::string_view data);
  bool return_flags(std::string_view data, std::string_view as_written);
  void store(queue::RecordType type, std::string_view data);
  void count_attribute(std::string_view name);

  Transaction& message_;
  Recipients recipients_;
  Segment segment_ = Segment::envelope;
  bool in_recipients_ = false;  // a record that belongs to recipients has been seen in this segment
  bool warning_seen_ = false;
  std::set<std::string, std::less<>> attributes_;
};

}  // namespace cleanup
