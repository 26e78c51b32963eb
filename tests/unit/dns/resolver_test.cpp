#include "dns/resolver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/config.h"
#include "dns/reply_filter.h"
#include "io/fiber.h"
#include "lib/dns_answers.h"
#include "logging/log.h"

namespace {

namespace wire = dns_answers;
using dns::Failure;
using dns::Type;
using Kind = dns::Failure::Kind;

io::Deadline soon() {
  return io::Deadline::after(std::chrono::seconds(20));
}

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() {
    std::string path = testing::TempDir() + "resolver.XXXXXX";
    folder = ::mkdtemp(path.data());
    write("hosts", "");
  }
  ~ResolverTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string& file, const std::string& text) { std::ofstream(folder / file) << text; }

  // Answers that the server gives, by question; others do not exist.
  using Answers = std::map<std::string, std::function<std::string(const std::string& query, bool tcp)>>;
  void serve(Answers answers, const std::string& how = "timeout:1 attempts:2") {
    server = std::make_unique<wire::Server>([answers = std::move(answers)](const std::string& query, bool tcp) {
      const auto found = answers.find(wire::asked(query));
      if (found == answers.end()) return wire::Message{query, 3, {}, {wire::soa("test", 60, 60)}}.bytes();
      return found->second(query, tcp);
    });
    write("resolv.conf", fmt::format("nameserver 127.0.0.1:{}\noptions {}\n", server->port(), how));
    make();
  }
  void make() {
    options.resolv_conf = folder / "resolv.conf";
    options.hosts = folder / "hosts";
    resolver = std::make_unique<dns::Resolver>(options);
  }
  static auto records(std::vector<std::string> all) {
    return [all = std::move(all)](const std::string& query, bool) { return wire::Message{query, 0, all}.bytes(); };
  }
  static auto code(unsigned number) {
    return [number](const std::string& query, bool) { return wire::Message{query, number}.bytes(); };
  }
  long asked() { return static_cast<long>(server->questions().size()); }
  // Runs in a fiber of a loop.
  static void in_loop(const std::function<void()>& body) {
    io::Loop loop;
    loop.spawn("test", body);
    loop.run();
  }

  std::filesystem::path folder;
  dns::Resolver::Options options;
  std::unique_ptr<wire::Server> server;
  std::unique_ptr<dns::Resolver> resolver;
};

TEST_F(ResolverTest, AnswersOutsideOfAFiber) {
  serve({{"x.test 15", records({wire::mx("x.test", 10, "m.x.test")})}});
  const auto answer = resolver->ask("X.test.", Type::mx, soon());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at(0).data, "m.x.test");
}

TEST_F(ResolverTest, AnswersInAFiber) {
  serve({{"x.test 15", records({wire::mx("x.test", 10, "m.x.test")})}});
  in_loop([&] { EXPECT_EQ(resolver->ask("x.test", Type::mx, soon())->at(0).data, "m.x.test"); });
}

TEST_F(ResolverTest, TellsInPostfixWordsWhyThereIsNothing) {
  serve({{"nodata.test 1", code(0)}, {"broken.test 1", code(2)}});
  const auto missing = resolver->ask("x.test", Type::mx, soon());
  EXPECT_EQ(missing.error().kind, Kind::not_found);
  EXPECT_EQ(missing.error().text,
            "Host or domain name not found. Name service error for name=x.test type=MX: Host not found");
  const auto empty = resolver->ask("nodata.test", Type::a, soon());
  EXPECT_EQ(empty.error().kind, Kind::no_data);
  EXPECT_EQ(empty.error().text,
            "Host or domain name not found. Name service error for name=nodata.test type=A: "
            "Host found but no data record of requested type");
  const auto broken = resolver->ask("broken.test", Type::a, soon());
  EXPECT_EQ(broken.error().kind, Kind::try_again);
  EXPECT_EQ(broken.error().text,
            "Host or domain name not found. Name service error for name=broken.test type=A: Host not found, try again");
  EXPECT_EQ(resolver->ask("a..b", Type::a, soon()).error().kind, Kind::invalid);
}

TEST_F(ResolverTest, AsksOnceForAsLongAsTheAnswerLasts) {
  serve({{"x.test 1", records({wire::a("x.test", "192.0.2.1", 100)})},
         {"brief.test 1", records({wire::a("brief.test", "192.0.2.1", 0)})}});
  for (int times = 0; times < 3; ++times) EXPECT_TRUE(resolver->ask("x.test", Type::a, soon()));
  EXPECT_EQ(asked(), 1);
  for (int times = 0; times < 3; ++times) EXPECT_FALSE(resolver->ask("none.test", Type::a, soon()));
  EXPECT_EQ(asked(), 2);
  for (int times = 0; times < 3; ++times) EXPECT_TRUE(resolver->ask("brief.test", Type::a, soon()));
  EXPECT_EQ(asked(), 5);
}

TEST_F(ResolverTest, AsksEqualQuestionsOnceAtTheSameTime) {
  // The answer waits until everybody has asked.
  std::atomic<int> asking = 0;
  serve({{"x.test 1", [&](const std::string& query, bool) {
            while (asking < 50) std::this_thread::yield();
            return wire::Message{query, 0, {wire::a("x.test", "192.0.2.1", 0)}}.bytes();
          }}});
  int good = 0;
  io::Loop loop;
  for (int index = 0; index < 50; ++index) {
    loop.spawn("asks", [&] {
      ++asking;
      if (resolver->ask("x.test", Type::a, soon())) ++good;
    });
  }
  loop.run();
  EXPECT_EQ(good, 50);
  EXPECT_EQ(asked(), 1);
}

TEST_F(ResolverTest, AsksAgainWhenTheOneWhoAskedGivesUp) {
  std::atomic<int> times = 0;
  serve({{"x.test 1",
          [&](const std::string& query, bool) {
            return ++times == 1 ? std::string() : wire::Message{query, 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
          }}},
        "timeout:5");
  io::Loop loop;
  auto first = loop.spawn("gives up", [&] { resolver->ask("x.test", Type::a, soon()); });
  bool answered = false;
  loop.spawn("waits", [&] {
    io::sleep_until(io::Deadline::after(std::chrono::milliseconds(30)));
    answered = resolver->ask("x.test", Type::a, soon()).has_value();
  });
  loop.spawn("ends the first", [&] {
    io::sleep_until(io::Deadline::after(std::chrono::milliseconds(100)));
    first.cancel();
  });
  const auto start = io::Clock::now();
  loop.run();
  EXPECT_TRUE(answered);
  EXPECT_LT(io::Clock::now() - start, std::chrono::seconds(4));
}

TEST_F(ResolverTest, AsksAgainWhenNoAnswerComes) {
  std::atomic<int> times = 0;
  serve({{"x.test 1", [&](const std::string& query, bool) {
            return ++times == 1 ? std::string() : wire::Message{query, 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
          }}});
  EXPECT_TRUE(resolver->ask("x.test", Type::a, soon()));
  EXPECT_EQ(times, 2);
}

TEST_F(ResolverTest, WaitsNoLongerThanItsCaller) {
  serve({{"x.test 1", [](const std::string&, bool) { return std::string(); }}}, "timeout:20");
  const auto start = io::Clock::now();
  in_loop([&] {
    EXPECT_EQ(resolver->ask("x.test", Type::a, io::Deadline::after(std::chrono::milliseconds(100))).error().kind,
              Kind::try_again);
  });
  EXPECT_LT(io::Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(ResolverTest, GoesOnToTheNextServer) {
  serve({{"x.test 1", records({wire::a("x.test", "192.0.2.1")})}});
  wire::Server broken([](const std::string& query, bool) { return wire::Message{query, 2}.bytes(); });
  write("resolv.conf",
        fmt::format("nameserver 127.0.0.1:{}\nnameserver 127.0.0.1:{}\n", broken.port(), server->port()));
  make();
  EXPECT_TRUE(resolver->ask("x.test", Type::a, soon()));
  EXPECT_EQ(broken.questions().size(), 1U);
}

TEST_F(ResolverTest, FindsThatNobodyListens) {
  serve({});
  const int port = server->port();
  server.reset();
  write("resolv.conf", fmt::format("nameserver 127.0.0.1:{}\noptions timeout:20\n", port));
  make();
  const auto start = io::Clock::now();
  in_loop([&] { EXPECT_EQ(resolver->ask("x.test", Type::a, soon()).error().kind, Kind::try_again); });
  EXPECT_LT(io::Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(ResolverTest, RemembersThatThereIsAProblem) {
  serve({{"x.test 1", code(2)}});
  for (int times = 0; times < 3; ++times) EXPECT_FALSE(resolver->ask("x.test", Type::a, soon()));
  EXPECT_EQ(asked(), 1);
}

TEST_F(ResolverTest, GetsTheWholeByTcp) {
  std::vector<std::string> many;
  for (int index = 0; index < 90; ++index) many.push_back(wire::a("x.test", fmt::format("192.0.2.{}", index)));
  serve({{"x.test 1", [&](const std::string& query, bool tcp) {
            wire::Message message{query};
            if (tcp) message.answers = many;
            message.truncated = !tcp;
            return message.bytes();
          }}});
  EXPECT_EQ(resolver->ask("x.test", Type::a, soon())->size(), 90U);
  EXPECT_EQ(server->questions().at(1), "x.test 1 tcp");
}

TEST_F(ResolverTest, DoesWithoutTheExtensionWhereItIsRefused) {
  serve({{"x.test 1", [](const std::string& query, bool) {
            if (query[11] != 0) return wire::Message{query, 1}.bytes();
            return wire::Message{query, 0, {wire::a("x.test", "192.0.2.1")}}.bytes();
          }}});
  EXPECT_TRUE(resolver->ask("x.test", Type::a, soon()));
}

TEST_F(ResolverTest, FollowsAliasesThatTheServerDoesNot) {
  serve({{"x.test 1", records({wire::alias("x.test", "y.test")})},
         {"y.test 1", records({wire::a("y.test", "192.0.2.7")})}});
  const auto answer = resolver->ask("x.test", Type::a, soon());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at(0).owner, "y.test");
}

TEST_F(ResolverTest, FollowsNoAliasForEver) {
  Answers chain;
  for (int index = 0; index < 50; ++index)
    chain[fmt::format("a{}.test 1", index)] =
        records({wire::alias(fmt::format("a{}.test", index), fmt::format("a{}.test", index + 1))});
  serve(chain);
  const logging::Capture log;
  const auto answer = resolver->ask("a0.test", Type::a, soon());
  EXPECT_EQ(answer.error().text, "Name server loop for a0.test");
  EXPECT_TRUE(log.contains("Name server loop for a0.test"));
  EXPECT_LE(asked(), 11);
}

TEST_F(ResolverTest, LetsNoOneElseAnswer) {
  serve({{"x.test 1",
          [](const std::string& query, bool) {
            std::string other = wire::Message{query, 0, {wire::a("x.test", "203.0.113.66")}}.bytes();
            other[0] = static_cast<char>(other[0] ^ 1);
            return other;
          }}},
        "timeout:1 attempts:1");
  EXPECT_EQ(resolver->ask("x.test", Type::a, soon()).error().kind, Kind::try_again);
}

TEST_F(ResolverTest, SurvivesRubbish) {
  serve({{"x.test 1", [](const std::string& query, bool) {
            return query.substr(0, 2) + std::string("\x81\x80\0\1\0\1\0\0\0\0", 10) + query.substr(12, 12) +
                   std::string(50, '\xff');
          }}});
  EXPECT_EQ(resolver->ask("x.test", Type::a, soon()).error().kind, Kind::try_again);
}

TEST_F(ResolverTest, AsksSeveralAtOnceAndAnswersInOrder) {
  serve({{"a.test 1", records({wire::a("a.test", "192.0.2.1")})},
         {"c.test 1", records({wire::a("c.test", "192.0.2.3")})}});
  const auto check = [&] {
    const auto answers =
        resolver->ask_all({{"a.test", Type::a}, {"b.test", Type::a}, {"c.test", Type::a}, {"..", Type::a}}, soon());
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0]->at(0).data, "192.0.2.1");
    EXPECT_EQ(answers[1].error().kind, Kind::not_found);
    EXPECT_EQ(answers[2]->at(0).data, "192.0.2.3");
    EXPECT_EQ(answers[3].error().kind, Kind::invalid);
  };
  in_loop(check);
  check();
  EXPECT_EQ(asked(), 3);
}

TEST_F(ResolverTest, WaitsForTheSlowestOnly) {
  const auto slow = [](const std::string& query, bool) {
    return wire::asked(query).starts_with("s") ? std::string() : wire::Message{query, 3}.bytes();
  };
  serve({{"s1.test 1", slow}, {"s2.test 1", slow}, {"s3.test 1", slow}, {"s4.test 1", slow}}, "timeout:1 attempts:1");
  const auto start = io::Clock::now();
  in_loop([&] {
    resolver->ask_all({{"s1.test", Type::a}, {"s2.test", Type::a}, {"s3.test", Type::a}, {"s4.test", Type::a}}, soon());
  });
  EXPECT_LT(io::Clock::now() - start, std::chrono::milliseconds(3900));
}

TEST_F(ResolverTest, CancelsTheOthersWhenTheAskerIsCancelled) {
  serve({{"x.test 1", [](const std::string&, bool) { return std::string(); }},
         {"y.test 1", [](const std::string&, bool) { return std::string(); }}},
        "timeout:20");
  io::Loop loop;
  auto asker = loop.spawn("asks", [&] { resolver->ask_all({{"x.test", Type::a}, {"y.test", Type::a}}, soon()); });
  loop.spawn("ends it", [&] {
    io::sleep_until(io::Deadline::after(std::chrono::milliseconds(50)));
    asker.cancel();
  });
  const auto start = io::Clock::now();
  loop.run();
  EXPECT_LT(io::Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(ResolverTest, FindsAddressesOfBothFamiliesIpv4First) {
  serve({{"x.test 1", records({wire::a("x.test", "192.0.2.1")})},
         {"x.test 28", records({wire::aaaa("x.test", "2001:db8::1")})}});
  using Families = dns::Resolver::Families;
  in_loop([&] {
    const auto both = resolver->addresses_of("x.test", Families::both, soon());
    ASSERT_EQ(both->size(), 2U);
    EXPECT_EQ(both->at(0).data, "192.0.2.1");
    EXPECT_EQ(both->at(1).data, "2001:db8::1");
    EXPECT_EQ(resolver->addresses_of("x.test", Families::ipv6, soon())->at(0).data, "2001:db8::1");
    EXPECT_EQ(resolver->addresses_of("192.0.2.9", Families::both, soon())->at(0).data, "192.0.2.9");
    EXPECT_EQ(resolver->addresses_of("192.0.2.9", Families::ipv6, soon()).error().kind, Kind::no_data);
    EXPECT_EQ(resolver->addresses_of("none.test", Families::both, soon()).error().kind, Kind::not_found);
  });
}

TEST_F(ResolverTest, AHalfKnownHostIsNotUnknown) {
  serve({{"x.test 1", code(0)},
         {"x.test 28", code(2)},
         {"y.test 1", records({wire::a("y.test", "192.0.2.1")})},
         {"y.test 28", code(2)}});
  EXPECT_EQ(resolver->addresses_of("x.test", dns::Resolver::Families::both, soon()).error().kind, Kind::try_again);
  EXPECT_TRUE(resolver->addresses_of("y.test", dns::Resolver::Families::both, soon()));
}

TEST_F(ResolverTest, ReadsTheHostsFileFirst) {
  write("hosts", "192.0.2.5 x.test alias\n");
  serve({{"x.test 1", records({wire::a("x.test", "203.0.113.1")})},
         {"7.2.0.192.in-addr.arpa 12", records({wire::ptr("7.2.0.192.in-addr.arpa", "seven.test")})}});
  EXPECT_EQ(resolver->addresses_of("x.test", dns::Resolver::Families::both, soon())->at(0).data, "192.0.2.5");
  EXPECT_EQ(resolver->name_of("192.0.2.5", soon())->at(0).data, "x.test");
  EXPECT_EQ(asked(), 0);
  EXPECT_EQ(resolver->name_of("192.0.2.7", soon())->at(0).data, "seven.test");
  EXPECT_EQ(resolver->name_of("192.0.2.8", soon()).error().kind, Kind::not_found);
}

TEST_F(ResolverTest, ReadsItsFilesAgainWhenTheyChange) {
  serve({{"x.test 1", records({wire::a("x.test", "192.0.2.1")})}});
  wire::Server other(
      [](const std::string& query, bool) { return wire::Message{query, 0, {wire::a("x.test", "192.0.2.2")}}.bytes(); });
  EXPECT_EQ(resolver->ask("x.test", Type::a, soon())->at(0).data, "192.0.2.1");
  write("resolv.conf", fmt::format("nameserver 127.0.0.1:{}\n# changed\n", other.port()));
  write("hosts", "192.0.2.3 y.test\n");
  const auto limit = soon();
  while (resolver->ask("x.test", Type::a, soon())->at(0).data != "192.0.2.2" && !limit.passed())
    io::sleep_until(io::Deadline::after(std::chrono::milliseconds(20)));
  EXPECT_EQ(resolver->ask("x.test", Type::a, soon())->at(0).data, "192.0.2.2");
  EXPECT_EQ(resolver->addresses_of("y.test", dns::Resolver::Families::ipv4, soon())->at(0).data, "192.0.2.3");
}

TEST_F(ResolverTest, FilterTakesRecordsOutOfAnswers) {
  const auto config = config::Config::from_text(
      "smtpd_dns_reply_filter = pcre:{{/^x.test. 300 IN A 127.255.255.254$$/ IGNORE}, {/^y/ what}}\n");
  ASSERT_TRUE(config);
  options = dns::Resolver::Options::from(*config);
  ASSERT_TRUE(options.filter);
  serve({{"x.test 1", records({wire::a("x.test", "127.255.255.254"), wire::a("x.test", "127.0.0.2")})},
         {"y.test 1", records({wire::a("y.test", "192.0.2.1")})}});
  const logging::Capture log;
  const auto answer = resolver->ask("x.test", Type::a, soon());
  ASSERT_EQ(answer->size(), 1U);
  EXPECT_EQ(answer->at(0).data, "127.0.0.2");
  EXPECT_TRUE(log.contains("ignoring DNS RR: x.test. 300 IN A 127.255.255.254"));
  EXPECT_EQ(resolver->ask("y.test", Type::a, soon()).error().kind, Kind::try_again);
  // Names and addresses of clients are not filtered.
  EXPECT_EQ(resolver->addresses_of("x.test", dns::Resolver::Families::ipv4, soon())->size(), 2U);
}

TEST(ReplyFilter, SeesRecordsAsTheZoneFileHasThem) {
  EXPECT_EQ(dns::text_of({Type::mx, "x.test", 60, "m.test", 10}), "x.test. 60 IN MX 10 m.test.");
  EXPECT_EQ(dns::text_of({Type::mx, "x.test", 60, ".", 0}), "x.test. 60 IN MX 0 .");
  EXPECT_EQ(dns::text_of({Type::txt, "x.test", 60, "hi"}), "x.test. 60 IN TXT hi");
  EXPECT_EQ(dns::text_of({Type::aaaa, "x.test", 60, "::1"}), "x.test. 60 IN AAAA ::1");
}

}  // namespace
