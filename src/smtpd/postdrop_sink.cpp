#include "smtpd/postdrop_sink.h"

#include "client/postdrop_client.h"

namespace smtpd {

namespace {

class PostdropMessage final : public Message {
 public:
  explicit PostdropMessage(client::PostdropClient::Options options) : postdrop_(std::move(options)) {}

  const std::string& queue_id() const override { return postdrop_.queue_id(); }
  // What it refuses it refuses in the end.
  void append(queue::RecordType type, std::string_view data) override { (void)postdrop_.put(type, data); }
  client::CleanupResult finish() override { return postdrop_.finish(); }

 private:
  client::PostdropClient postdrop_;
};

}  // namespace

std::unique_ptr<Message> PostdropSink::begin(int) {
  return std::make_unique<PostdropMessage>(
      client::PostdropClient::Options{.program = program_, .patience = timeout_, .interrupted = {}});
}

}  // namespace smtpd
