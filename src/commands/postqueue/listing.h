#pragma once
// What showq says, as text for people and as JSON for programs.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace postqueue {

struct Message {
  std::string queue_name;
  std::string queue_id;
  std::int64_t time = 0;
  std::int64_t size = 0;
  bool forced_expire = false;
  std::string sender;
};
struct Recipient {
  std::string address;
  std::string original;  // from our own showq only
  std::string reason;
  bool bounced = false;  // the reason is that of a bounce; likewise
};

// From here on a byte that is no ASCII is shown as '?': there is no smtputf8_enable.
void show_only_ascii();

// Is told of the queue piece by piece. What it writes goes to `write`, in large parts.
class Printer {
 public:
  explicit Printer(std::function<void(std::string_view)> write) : write_(std::move(write)) {}
  virtual ~Printer() = default;
  virtual void begin(const Message& message) = 0;
  virtual void recipient(const Recipient& recipient) = 0;
  virtual void end() = 0;             // of the message
  virtual void finish() { flush(); }  // of the queue

 protected:
  std::string& text() { return text_; }
  void flush();
  void flush_much();  // when much has gathered

 private:
  std::function<void(std::string_view)> write_;
  std::string text_;
};

// mailq's form, byte for byte.
class TextPrinter : public Printer {
 public:
  TextPrinter(std::function<void(std::string_view)> write, bool long_ids)
      : Printer(std::move(write)), long_(long_ids) {}
  void begin(const Message& message) override;
  void recipient(const Recipient& recipient) override;
  void end() override {}
  void finish() override;

 private:
  bool long_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::string last_reason_;
  std::int64_t shown_time_ = -1;  // the one that time_text_ shows
  std::string time_text_;
};

// A JSON object a line.
class JsonPrinter : public Printer {
 public:
  using Printer::Printer;
  void begin(const Message& message) override;
  void recipient(const Recipient& recipient) override;
  void end() override;

 private:
  bool first_ = true;
};

// Takes showq's answer apart as it comes: feed() until finished(). Throws base::Fatal, "malformed showq server
// response", when it is none.
class Reader {
 public:
  explicit Reader(Printer& printer) : printer_(printer) {}
  void feed(std::string_view bytes);
  bool finished() const { return state_ == State::finished; }

 private:
  enum class State { greeting, message, finished };
  void word(std::string_view word);
  void attribute(std::string_view name, std::string_view value);
  void end_of_list();
  void start_recipients();
  void finish_recipient();

  Printer& printer_;
  State state_ = State::greeting;
  std::string partial_;  // of a word
  std::string name_;     // of the attribute whose value comes next
  bool has_name_ = false;
  bool greeted_ = false;
  bool any_ = false;        // the list has an attribute
  bool announced_ = false;  // the printer was told of the message
  bool has_recipient_ = false;
  int fields_ = 0;  // a bit for each that every message must have
  Message message_;
  Recipient recipient_;
};

}  // namespace postqueue
