#include "smtpd/cleanup_sink.h"

namespace smtpd {

namespace {

class CleanupMessage final : public Message {
 public:
  CleanupMessage(client::CleanupClient cleanup, std::chrono::seconds timeout)
      : cleanup_(std::move(cleanup)), timeout_(timeout) {}

  const std::string& queue_id() const override { return cleanup_.id().text(); }
  void append(queue::RecordType type, std::string_view data) override {
    gathered_ += data.size();
    // Now and then is often enough: the deadline is that of one frame.
    if (gathered_ > kBetweenDeadlines || type == queue::RecordType::message) {
      gathered_ = 0;
      cleanup_.set_deadline(io::Deadline::after(timeout_));
    }
    cleanup_.append(type, data);
  }
  client::CleanupResult finish() override {
    cleanup_.set_deadline(io::Deadline::after(timeout_));
    return cleanup_.finish();
  }

 private:
  static constexpr std::size_t kBetweenDeadlines = 16 * 1024;
  client::CleanupClient cleanup_;
  std::chrono::seconds timeout_;
  std::size_t gathered_ = kBetweenDeadlines;
};

}  // namespace

std::unique_ptr<Message> CleanupSink::begin(int flags) {
  return std::make_unique<CleanupMessage>(client::CleanupClient(pool_, path_, flags, io::Deadline::after(timeout_)),
                                          timeout_);
}

}  // namespace smtpd
