#pragma once
// One connection to cleanup: messages one after another, each answered before the next begins.

#include <chrono>

#include "cleanup/message.h"
#include "cleanup/spare_stock.h"
#include "client/bounce_client.h"
#include "client/cleanup_client.h"
#include "client/qmgr_client.h"
#include "delivery/outcome.h"
#include "io/fiber.h"
#include "ipc/channel.h"
#include "queue/message_writer.h"
#include "queue/spool.h"
#include "service/service.h"

namespace cleanup {

// What all sessions of the process share. Outlives them.
struct Shared {
  const Settings& settings;
  const Tables& tables;
  const queue::Spool& spool;
  io::Semaphore& creators;  // many at once in one directory are slower than a few
  SpareStock& spares;
  client::QmgrClient& qmgr;
  client::BounceClient& bounce;
  const delivery::OutcomeSettings& outcomes;
  std::chrono::seconds ipc_timeout;
  std::chrono::seconds in_flow_delay;
  bool verp_bounces;
};

class Session {
 public:
  Session(const Shared& shared, ipc::Channel channel) : shared_(shared), channel_(std::move(channel)) {}
  void run();  // until the client closes

 private:
  disk::Result<queue::MessageWriter> create_file();
  bool one_message(const client::CleanupBegin& begin);
  // `whole`: the stream was understood to its end.
  client::CleanupResult take_in(const client::CleanupBegin& begin, queue::MessageWriter writer,
                                service::flow::Token& token, bool& whole);
  bool receive(Message& message, Transaction& transaction);
  void keep_expanded(Transaction& transaction);
  void drop_expanded(const Transaction& transaction, const queue::Id& id);
  client::CleanupResult settle(Transaction& transaction, queue::MessageWriter& writer, const FileOutput& output);
  client::CleanupResult accept(Transaction& transaction, queue::MessageWriter& writer);
  void answer(const client::CleanupResult& result);
  io::Deadline patience() const { return io::Deadline::after(shared_.ipc_timeout); }

  const Shared& shared_;
  ipc::Channel channel_;
};

}  // namespace cleanup
