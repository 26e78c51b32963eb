// check_policy_service against a service that answers from a script.

#include <unistd.h>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "restrictions/policy_reply.h"
#include "rules_for_tests.h"

namespace restrictions {

namespace {

// Answers requests in turn; after the script's end with "action=dunno". "close" ends the connection, "wait" says
// nothing any more.
class Service {
 public:
  explicit Service(std::vector<std::string> script)
      : path_(fmt::format("{}policy.{}.{}", testing::TempDir(), ::getpid(), next_number())),
        script_(std::move(script)) {
    listener_ = io::listen({io::Endpoint::Type::unix_stream, "", "", path_}).value();
  }
  ~Service() { ::unlink(path_.c_str()); }

  std::string name() const { return "unix:" + path_; }
  void serve() {
    for (;;) {
      base::Fd fd = io::accept(listener_.get(), io::Deadline::never()).value();
      ++connections;
      auto stream = std::make_shared<io::Stream>(std::move(fd));
      sessions_.push_back(io::spawn("session", [this, stream] { answer(*stream); }));
    }
  }

  std::vector<std::string> requests;
  int connections = 0;

 private:
  static int next_number() {
    static int number = 0;
    return ++number;
  }
  void answer(io::Stream& stream) {
    try {
      for (;;) {
        std::string request;
        for (std::string line = stream.read_line(100000).text; !line.empty(); line = stream.read_line(100000).text) {
          request += line + "\n";
        }
        const std::size_t turn = requests.size();
        requests.push_back(request);
        const std::string reply = turn < script_.size() ? script_[turn] : "action=dunno\n\n";
        if (reply == "close") break;
        if (reply == "wait") continue;
        stream.write(reply);
        stream.flush();
      }
    } catch (const io::StreamError&) {
      // The other side has gone: so do we.
    }
    stream.release();
  }

  std::string path_;
  std::vector<std::string> script_;
  base::Fd listener_;
  std::vector<io::FiberHandle> sessions_;
};

constexpr std::string_view kQuick = "smtpd_policy_service_retry_delay = 1s\nsmtpd_policy_service_timeout = 1s\n";

// Asks as often as there are answers, and one after the other.
std::vector<std::string> answers(Service& service, int times, const std::string& settings = "",
                                 const std::string& more = "") {
  std::vector<std::string> replies;
  io::Loop loop;
  auto serving = io::spawn("service", [&] { service.serve(); });
  io::spawn("client", [&] {
    const std::string argument =
        settings.empty() ? service.name() : fmt::format("{{ {}, {} }}", service.name(), settings);
    const Server server =
        server_with("check_policy_service " + argument + ", permit", fmt::format("{}{}", kQuick, more));
    for (int i = 0; i < times; ++i) replies.push_back(server.rcpt());
    loop.stop();
  });
  loop.run();
  return replies;
}
std::string answer(const std::string& reply) {
  Service service({reply, reply});
  return answers(service, 1, "try_limit=1")[0];
}

constexpr std::string_view kProblem =
    "451 4.3.5 <ann@local.test>: Recipient address rejected: Server configuration problem";

TEST(Policy, ActionsAreThoseOfAccessTables) {
  EXPECT_EQ(answer("action=dunno\n\n"), "ok");
  EXPECT_EQ(answer("action=reject no thanks\n\n"), "554 5.7.1 <ann@local.test>: Recipient address rejected: no thanks");
  EXPECT_EQ(answer("action=450 4.2.0 later\n\n"), "450 4.2.0 <ann@local.test>: Recipient address rejected: later");
  EXPECT_EQ(answer("action=defer_if_permit hm\n\n"), "450 4.7.1 <ann@local.test>: Recipient address rejected: hm");
  EXPECT_EQ(answer("action=reject_plaintext_session\n\n"), "450 4.7.1 Session encryption is required");
  EXPECT_EQ(answer("action=foo\n\n"), "451 4.3.5 Server configuration error");
  EXPECT_EQ(answer("action=check_sender_access hash:/x\n\n"), "451 4.3.5 Server configuration error");
}

TEST(Policy, OtherAttributesAreIgnoredAndTheFirstActionCounts) {
  EXPECT_EQ(answer("foo=bar\naction=reject extra\n\n"),
            "554 5.7.1 <ann@local.test>: Recipient address rejected: extra");
  EXPECT_EQ(answer("action=ok\naction=reject\n\n"), "ok");
  EXPECT_EQ(answer("action = reject x\r\n\r\n"), "554 5.7.1 <ann@local.test>: Recipient address rejected: x");
}

TEST(Policy, AnEmptyActionIsWarnedOf) {
  const logging::Capture log;
  EXPECT_EQ(answer("action=\n\n"), "ok");
  EXPECT_TRUE(log.contains("entry  has empty value"));
}

TEST(Policy, HostileRepliesComeDownToTheDefaultAction) {
  EXPECT_EQ(answer("garbage\n\n"), kProblem);
  EXPECT_EQ(answer("foo=bar\n\n"), kProblem);
  EXPECT_EQ(answer("\n"), kProblem);
  EXPECT_EQ(answer("action\n\n"), kProblem);
  EXPECT_EQ(answer("action=" + std::string(1 << 16, 'x') + "\n\n"), kProblem);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "a=b\n";
  EXPECT_EQ(answer(many + "action=ok\n\n"), kProblem);
}

TEST(Policy, AServiceThatClosesIsTriedAgain) {
  Service once({"close"});
  EXPECT_EQ(answers(once, 1)[0], "ok");
  Service twice({"close", "close"});
  EXPECT_EQ(answers(twice, 1)[0], kProblem);
  Service thrice({"close", "close"});
  EXPECT_EQ(answers(thrice, 1, "try_limit=3")[0], "ok");
}

TEST(Policy, AServiceThatSaysNothingIsNotWaitedForForEver) {
  const logging::Capture log;
  Service service({"wait"});
  EXPECT_EQ(answers(service, 1, "try_limit=1, default_action=DUNNO")[0], "ok");
  EXPECT_TRUE(log.contains("while reading input attribute name"));
  EXPECT_TRUE(log.contains(": Connection timed out"));
}

TEST(Policy, AServiceThatIsNotThereIsTold) {
  const logging::Capture log;
  const Server server = server_with("check_policy_service { inet:127.0.0.1:1, try_limit=1 }, permit");
  EXPECT_EQ(server.rcpt(), kProblem);
  EXPECT_TRUE(log.contains("connect to 127.0.0.1:1: Connection refused"));
  EXPECT_TRUE(log.contains("problem talking to server 127.0.0.1:1: Connection refused"));
}

TEST(Policy, TheDefaultActionCanBeSet) {
  const Server server = server_with("check_policy_service inet:127.0.0.1:1, permit",
                                    "smtpd_policy_service_default_action = 450 4.3.0 come back\n"
                                    "smtpd_policy_service_try_limit = 1\n");
  EXPECT_EQ(server.rcpt(), "450 4.3.0 <ann@local.test>: Recipient address rejected: come back");
}

TEST(Policy, ConnectionsAreKept) {
  Service service({});
  EXPECT_EQ(answers(service, 5).size(), 5U);
  EXPECT_EQ(service.connections, 1);
  EXPECT_EQ(service.requests.size(), 5U);
}

TEST(Policy, ConnectionsAreUsedForSoManyRequests) {
  Service service({});
  answers(service, 5, "request_limit=2");
  EXPECT_EQ(service.connections, 3);
}

TEST(Policy, AKeptConnectionThatHasEndedIsNotUsed) {
  Service service({"action=dunno\n\n", "close"});
  const logging::Capture log;
  EXPECT_EQ(answers(service, 3), (std::vector<std::string>{"ok", "ok", "ok"}));
  EXPECT_FALSE(log.contains("problem talking"));
}

TEST(Policy, AnswersThatNobodyAskedForAreNotTakenForTheNext) {
  Service service({"action=dunno\n\naction=reject\n\n"});
  EXPECT_EQ(answers(service, 2), (std::vector<std::string>{"ok", "ok"}));
  EXPECT_EQ(service.connections, 2);
}

TEST(Policy, ManyAskAtOnceButNoMoreThanTheLimit) {
  Service service({});
  io::Loop loop;
  auto serving = io::spawn("service", [&] { service.serve(); });
  io::spawn("client", [&] {
    const Server server =
        server_with("check_policy_service " + service.name() + ", permit", "default_process_limit = 3\n");
    std::vector<io::FiberHandle> clients;
    int good = 0;
    for (int i = 0; i < 20; ++i) clients.push_back(io::spawn("c", [&] { good += server.rcpt() == "ok"; }));
    for (io::FiberHandle& client : clients) client.join();
    EXPECT_EQ(good, 20);
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(service.connections, 3);
  EXPECT_EQ(service.requests.size(), 20U);
}

TEST(Policy, TheRequestTellsEverything) {
  Service service({});
  io::Loop loop;
  auto serving = io::spawn("service", [&] { service.serve(); });
  io::spawn("client", [&] {
    Server server(fmt::format("smtpd_end_of_data_restrictions = check_policy_service {{ {}, policy_context=eod }}\n",
                              service.name()));
    server.tls.active = true;
    server.tls.protocol = "TLSv1.3";
    server.tls.cipher = "X";
    server.tls.used_bits = 256;
    server.tls.has_certificate = server.tls.trusted = true;
    server.tls.subject_cn = "Wietse Venema";
    server.tls.issuer_cn = "CA+1";
    server.tls.certificate_fingerprint = "AA:BB";
    server.tls.public_key_fingerprint = "CC:DD";
    Subject subject = server.subject(Stage::end_of_message);
    subject.sender = "evil\naction=ok";
    subject.recipient_count = 1;
    subject.queue_id = "4Q";
    subject.instance = "1.2.3";
    subject.size = 99;
    subject.stress = true;
    subject.sasl_method = "plain";
    subject.sasl_username = "joe";
    subject.sasl_sender = "j@x";
    server.rules().at_end_of_data(subject);
    loop.stop();
  });
  loop.run();
  ASSERT_EQ(service.requests.size(), 1U);
  EXPECT_EQ(
      service.requests[0],
      "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nprotocol_name=ESMTP\n"
      "client_address=198.51.100.7\nclient_name=client.test\nclient_port=4711\nreverse_client_name=client.test\n"
      "server_address=192.0.2.25\nserver_port=25\nhelo_name=helo.test\nsender=evil?action=ok\n"
      "recipient=ann@local.test\nrecipient_count=1\nqueue_id=4Q\ninstance=1.2.3\nsize=99\netrn_domain=\nstress=yes\n"
      "sasl_method=plain\nsasl_username=joe\nsasl_sender=j@x\nccert_subject=Wietse+20Venema\nccert_issuer=CA+2B1\n"
      "ccert_fingerprint=AA:BB\nccert_pubkey_fingerprint=CC:DD\nencryption_protocol=TLSv1.3\nencryption_cipher=X\n"
      "encryption_keysize=256\npolicy_context=eod\ncompatibility_level=3.6\nmail_version=3.11.0\n");
}

TEST(Policy, BeforeDataThereAreNoRecipients) {
  Service service({});
  io::Loop loop;
  auto serving = io::spawn("service", [&] { service.serve(); });
  io::spawn("client", [&] {
    Server server("smtpd_etrn_restrictions = check_policy_service " + service.name() + "\n");
    server.recipient_count = 7;
    server.has_helo = false;
    server.say(Stage::etrn);
    loop.stop();
  });
  loop.run();
  ASSERT_EQ(service.requests.size(), 1U);
  for (const char* line : {"protocol_state=ETRN\n", "helo_name=\n", "sender=\n", "recipient=\n", "recipient_count=0\n",
                           "etrn_domain=etrn.test\n", "encryption_keysize=0\n", "stress=\n", "ccert_subject=\n"}) {
    EXPECT_TRUE(service.requests[0].contains(line)) << line;
  }
}

TEST(Policy, ObserversSeeTheAnswer) {
  Service service({"action=reject x\n\n"});
  io::Loop loop;
  auto serving = io::spawn("service", [&] { service.serve(); });
  io::spawn("client", [&] {
    const Server server = server_with("check_policy_service " + service.name());
    EXPECT_TRUE(server.trace().has(fmt::format("look up check_policy_service {} RCPT: reject x", service.name())));
    loop.stop();
  });
  loop.run();
}

TEST(PolicyReply, EndsWithAnEmptyLine) {
  PolicyReply reply;
  EXPECT_EQ(reply.take("action=a = b"), PolicyReply::State::more);
  EXPECT_EQ(reply.take(""), PolicyReply::State::complete);
  EXPECT_EQ(reply.action(), "a = b");
}

TEST(PolicyReply, IsBounded) {
  PolicyReply reply;
  EXPECT_EQ(reply.take(std::string(PolicyReply::kLongestLine + 1, 'x')), PolicyReply::State::too_long);
}

}  // namespace

}  // namespace restrictions
