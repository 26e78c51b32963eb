#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "logging/destinations.h"
#include "logging/log.h"

namespace {

using logging::Form;

class Destinations : public testing::Test {
 protected:
  Destinations() {
    char name[] = "/tmp/logging_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    setup_.identity = {"postlog", "postfix", "mx.example.com"};
    setup_.standard_error = false;
  }
  ~Destinations() override {
    logging::open({});
    for (const char* name : {"log", "socket"}) ::unlink((folder_ + "/" + name).c_str());
    ::rmdir(folder_.c_str());
  }

  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  void log_to_file(Form form = Form::text) {
    setup_.file = path("log");
    setup_.file_form = form;
    logging::open(setup_);
  }
  std::string file() const { return base::read_file(path("log"), 10000000).value_or(""); }

  base::Fd listen(int kind) {
    base::Fd fd(::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0));
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path("socket").c_str());
    ::unlink(address.sun_path);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
    if (kind == SOCK_STREAM) ::listen(fd.get(), 1);
    return fd;
  }
  void log_to_socket() {
    setup_.syslog = true;
    setup_.syslog_socket = path("socket");
    logging::open(setup_);
  }
  static std::string received(const base::Fd& fd) {
    struct pollfd wait{fd.get(), POLLIN, 0};
    if (::poll(&wait, 1, 2000) != 1) return "nothing";
    char buffer[8192];
    const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

  std::string folder_;
  logging::Setup setup_;
};

const std::string kHead = R"([A-Z][a-z][a-z] [ 1-3]\d \d\d:\d\d:\d\d mx postfix/postlog\[\d+\]: )";

TEST_F(Destinations, FileLinesHaveTheShapeOfSyslogFiles) {
  log_to_file();
  logging::info("a", "hello");
  logging::warning("a", "{x}", {{"x", "watch\nout"}});
  EXPECT_TRUE(std::regex_match(file(), std::regex(kHead + "hello\n" + kHead + "warning: watch\\?out\n"))) << file();
}

TEST_F(Destinations, FileTextsEndAtTwoThousandBytes) {
  log_to_file();
  logging::info("a", "{x}", {{"x", std::string(5000, 'A')}});
  EXPECT_EQ(std::ranges::count(file(), 'A'), 2000);
}

TEST_F(Destinations, FileIsCreatedWithItsModeWhateverTheUmask) {
  const mode_t before = ::umask(077);
  setup_.file_mode = 0664;
  log_to_file();
  ::umask(before);
  EXPECT_EQ(base::stat_of(path("log"))->st_mode & 07777, 0664u);
}

TEST_F(Destinations, FileThatExistsIsAppendedToAndKeepsItsMode) {
  base::Fd fd(::open(path("log").c_str(), O_WRONLY | O_CREAT, 0640));
  ASSERT_TRUE(base::write_fully(fd.get(), "old\n", "log"));
  log_to_file();
  logging::info("a", "new");
  EXPECT_TRUE(file().starts_with("old\n")) << file();
  EXPECT_TRUE(file().ends_with(": new\n"));
  EXPECT_EQ(base::stat_of(path("log"))->st_mode & 07777, 0640u);
}

// What a process that was killed in the middle of its write leaves.
TEST_F(Destinations, FileWithHalfALineGetsANewOne) {
  base::Fd fd(::open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640));
  ASSERT_TRUE(base::write_fully(fd.get(), "old\nhalf", "log"));
  log_to_file();
  logging::info("a", "new");
  EXPECT_TRUE(std::regex_match(file(), std::regex("old\nhalf\n" + kHead + "new\n"))) << file();
  ASSERT_TRUE(base::write_fully(fd.get(), "an", "log"));
  logging::info("a", "other");
  EXPECT_TRUE(std::regex_search(file(), std::regex("\nan\n" + kHead + "other\n$"))) << file();
}

TEST_F(Destinations, AnEmptyFileGetsNoEmptyLine) {
  base::Fd fd(::open(path("log").c_str(), O_WRONLY | O_CREAT, 0640));
  ASSERT_TRUE(logging::open_log_file(path("log"), 0600));
  EXPECT_EQ(file(), "");
  ASSERT_TRUE(base::write_fully(fd.get(), "half", "log"));
  ASSERT_TRUE(logging::open_log_file(path("log"), 0600));
  EXPECT_EQ(file(), "half\n");
}

TEST_F(Destinations, FileTakesJson) {
  log_to_file(Form::json);
  logging::error("mail.lost", "lost {n}", {{"n", 2}});
  EXPECT_TRUE(file().starts_with("{\"time\":\"")) << file();
  EXPECT_TRUE(file().ends_with("\"event\":\"mail.lost\",\"text\":\"lost 2\",\"fields\":{\"n\":2}}\n")) << file();
}

TEST_F(Destinations, LinesOfThreadsDoNotMix) {
  log_to_file();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 200; ++n) logging::info("a", "{x}", {{"x", std::string(500, static_cast<char>('a' + i))}});
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string all = file();
  EXPECT_EQ(std::ranges::count(all, '\n'), 800);
  const std::regex whole(kHead + "(a{500}|b{500}|c{500}|d{500})");
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    ASSERT_TRUE(std::regex_match(all.substr(at, all.find('\n', at) - at), whole));
  }
}

TEST_F(Destinations, AFileThatCannotBeOpenedIsLeftOut) {
  setup_.file = "/nonexistent/log";
  setup_.standard_error = true;
  const auto opened = logging::open(setup_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().text, "open logfile '/nonexistent/log': No such file or directory");
  testing::internal::CaptureStderr();
  logging::info("a", "x");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "postlog: x\n");
}

// Whoever owns the folder may put there what he likes; root, and whoever else logs, writes through none of it.
TEST_F(Destinations, AnothersLinkIsNoLogFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  ASSERT_EQ(::chown(folder_.c_str(), 1, 1), 0);
  ASSERT_EQ(::symlink("target", path("log").c_str()), 0);
  ASSERT_EQ(::lchown(path("log").c_str(), 1, 1), 0);
  const auto dangling = logging::open_log_file(path("log"), 0600);
  base::Fd(::open(path("target").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const auto file = logging::open_log_file(path("log"), 0600);
  ::unlink(path("target").c_str());
  EXPECT_FALSE(dangling);
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().text.ends_with("a symbolic link that others may have put there")) << file.error().text;
}

TEST_F(Destinations, RootsLinkIsOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  ASSERT_EQ(::symlink("target", path("log").c_str()), 0);
  base::Fd(::open(path("target").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_TRUE(logging::open_log_file(path("log"), 0600));
  ::unlink(path("target").c_str());
}

TEST_F(Destinations, AFileWithASecondNameIsNoLogFile) {
  base::Fd(::open(path("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::link(path("log").c_str(), path("socket").c_str()), 0);
  const auto file = logging::open_log_file(path("log"), 0600);
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().text.ends_with("the file has several names (hard links)")) << file.error().text;
}

TEST_F(Destinations, AFifoThatNobodyReadsIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path("log").c_str(), 0600), 0);
  EXPECT_FALSE(logging::open_log_file(path("log"), 0600));
}

TEST_F(Destinations, StandardErrorShowsTheProgramAndTheText) {
  setup_.standard_error = true;
  logging::open(setup_);
  testing::internal::CaptureStderr();
  logging::fatal("a", "over");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "postlog: fatal: over\n");
}

TEST_F(Destinations, StandardErrorCanBeKeptForWhatMatters) {
  setup_.standard_error = true;
  setup_.standard_error_from = logging::Level::warning;
  logging::open(setup_);
  testing::internal::CaptureStderr();
  logging::info("a", "starting");
  logging::warning("a", "careful");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "postlog: warning: careful\n");
}

TEST_F(Destinations, StandardOutputCanBeTheLogFile) {
  testing::internal::CaptureStdout();
  setup_.file = "/dev/stdout";
  logging::open(setup_);
  logging::info("a", "x");
  logging::open({});
  EXPECT_TRUE(std::regex_match(testing::internal::GetCapturedStdout(), std::regex(kHead + "x\n")));
}

TEST_F(Destinations, SyslogGetsPriorityTimeAndTag) {
  const auto socket = listen(SOCK_DGRAM);
  log_to_socket();
  logging::warning("a", "careful");
  const std::regex shape("<" + std::to_string(LOG_MAIL | LOG_WARNING) +
                         R"(>[A-Z][a-z][a-z] [ 1-3]\d \d\d:\d\d:\d\d postfix/postlog\[\d+\]: warning: careful)");
  const std::string got = received(socket);
  EXPECT_TRUE(std::regex_match(got, shape)) << got;
}

TEST_F(Destinations, SyslogUsesTheFacility) {
  const auto socket = listen(SOCK_DGRAM);
  setup_.syslog_facility = LOG_LOCAL3;
  log_to_socket();
  logging::info("a", "x");
  EXPECT_TRUE(received(socket).starts_with("<" + std::to_string(LOG_LOCAL3 | LOG_INFO) + ">"));
}

TEST_F(Destinations, SyslogFindsTheListenerAgainAfterItsRestart) {
  auto socket = listen(SOCK_DGRAM);
  log_to_socket();
  socket.reset();
  logging::info("a", "lost");
  socket = listen(SOCK_DGRAM);
  logging::info("a", "found");
  EXPECT_TRUE(received(socket).ends_with(": found"));
}

TEST_F(Destinations, SyslogThatDoesNotReadCostsASecondOnceAndLosesRecords) {
  const auto socket = listen(SOCK_DGRAM);
  log_to_socket();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) logging::info("a", "x");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));  // a second each would be half an hour
}

TEST_F(Destinations, SyslogMayListenOnAStream) {
  const auto socket = listen(SOCK_STREAM);
  log_to_socket();
  const base::Fd accepted(::accept(socket.get(), nullptr, nullptr));
  logging::info("a", "x");
  EXPECT_TRUE(received(accepted).ends_with(std::string_view(": x\0", 4)));
}

TEST_F(Destinations, AMissingSyslogStopsNobody) {
  log_to_socket();
  logging::info("a", "x");
}

TEST(Capture, GathersEventsAndNests) {
  const logging::Capture outer;
  logging::warning("one", "{a}!", {{"a", "x"}});
  {
    const logging::Capture inner;
    logging::info("two", "y");
    EXPECT_TRUE(inner.contains("y"));
    EXPECT_FALSE(inner.contains("x"));
  }
  ASSERT_EQ(outer.events().size(), 1u);
  EXPECT_EQ(outer.events()[0].name, "one");
  EXPECT_EQ(outer.events()[0].text, "x!");
  EXPECT_EQ(outer.events()[0].level, logging::Level::warning);
}

TEST(Debug, IsHeardOnlyWhenVerbose) {
  const logging::Capture log;
  logging::debug("a", "quiet");
  logging::set_verbosity(1);
  logging::debug("a", "loud");
  logging::set_verbosity(0);
  ASSERT_EQ(log.events().size(), 1u);
  EXPECT_EQ(log.events()[0].text, "loud");
}

class Postlog : public Destinations {
 protected:
  void open(Form form = Form::text) {
    setup_.file = path("log");
    setup_.file_form = form;
    setup_.postlog_socket = path("socket");
    opened_ = logging::open(setup_);
  }
  std::expected<void, base::Error> opened_;
};

TEST_F(Postlog, TakesTheLineThatTheFileWouldHave) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  logging::warning("x", "careful");
  EXPECT_TRUE(std::regex_match(received(listener), std::regex(kHead + "warning: careful")));
  EXPECT_EQ(file(), "");
}

TEST_F(Postlog, TakesAJsonObject) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open(Form::json);
  logging::info("x", "hello");
  const std::string record = received(listener);
  EXPECT_TRUE(record.starts_with('{') && record.ends_with('}')) << record;
}

TEST_F(Postlog, ThatIsNotThereIsReplacedByTheFile) {
  open();
  EXPECT_TRUE(opened_);
  logging::info("x", "hello");
  EXPECT_TRUE(std::regex_match(file(), std::regex(kHead + "hello\n")));
}

TEST_F(Postlog, ThatIsNotThereLeavesNoHalfLineInTheFile) {
  base::Fd fd(::open(path("log").c_str(), O_WRONLY | O_CREAT, 0640));
  ASSERT_TRUE(base::write_fully(fd.get(), "half", "log"));
  open();
  logging::info("x", "hello");
  EXPECT_TRUE(std::regex_match(file(), std::regex("half\n" + kHead + "hello\n"))) << file();
}

TEST_F(Postlog, IsFoundWhenItComesBack) {
  open();
  logging::info("x", "one");
  base::Fd listener = listen(SOCK_DGRAM);
  logging::info("x", "two");
  EXPECT_TRUE(std::regex_match(received(listener), std::regex(kHead + "two")));
  listener.reset();
  const base::Fd other = listen(SOCK_DGRAM);
  logging::info("x", "three");
  EXPECT_TRUE(std::regex_match(received(other), std::regex(kHead + "three"))) << "a socket that was made anew";
}

TEST_F(Postlog, ThatIsFullIsNotWaitedFor) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) logging::info("x", "hello");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  const std::string text = file();
  const auto in_file = std::ranges::count(text, '\n');
  long in_socket = 0;
  char buffer[8192];
  while (::recv(listener.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) ++in_socket;
  EXPECT_EQ(in_file + in_socket, 2000);
}

TEST_F(Postlog, ThatIsBusyHearsEverythingInOrder) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  std::vector<std::string> heard;
  std::thread slow([&] {
    char buffer[8192];
    while (heard.size() < 100) {
      const ssize_t size = ::recv(listener.get(), buffer, sizeof buffer, 0);
      if (size <= 0) return;
      const std::string_view line(buffer, static_cast<std::size_t>(size));
      heard.emplace_back(line.substr(line.rfind(' ') + 1));
      if (heard.size() % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::vector<std::string> said;
  for (int i = 0; i < 100; ++i) {
    said.push_back(std::to_string(i));
    logging::info("x", "{n}", {{"n", i}});
  }
  slow.join();
  EXPECT_EQ(heard, said);
  EXPECT_EQ(file(), "");
}

TEST_F(Postlog, FollowsAFileThatIsRotated) {
  open();
  logging::info("x", "one");
  ASSERT_EQ(std::rename(path("log").c_str(), path("socket").c_str()), 0);
  base::Fd(::open(path("log").c_str(), O_CREAT | O_WRONLY, 0600));
  logging::info("x", "two");
  EXPECT_TRUE(std::regex_match(file(), std::regex(kHead + "two\n")));
}

class PostlogPipe : public Postlog {
 protected:
  PostlogPipe() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    setup_.postlog_pipe = in_.get();
  }
  std::string piped() const {
    std::string text(200'000, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(out_.get(), text.data(), text.size()))));
    return text;
  }
  base::Fd out_;
  base::Fd in_;
};

TEST_F(PostlogPipe, TakesTheLineThatTheFileWouldHave) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  logging::warning("x", "careful");
  EXPECT_TRUE(std::regex_match(piped(), std::regex(kHead + "warning: careful\n")));
  char byte = 0;
  EXPECT_LT(::recv(listener.get(), &byte, 1, MSG_DONTWAIT), 0) << "and nothing else does";
  EXPECT_EQ(file(), "");
}

TEST_F(PostlogPipe, NeedsNeitherASocketNorAFile) {
  setup_.file = path("none/log");
  setup_.postlog_socket = path("socket");
  EXPECT_TRUE(logging::open(setup_));
  logging::info("x", "hello");
  EXPECT_TRUE(piped().ends_with(": hello\n"));
}

TEST_F(PostlogPipe, LeavesLinesThatItCannotKeepTogetherToTheSocket) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open(Form::json);
  const std::string longest(2000, 'x');
  logging::info("x", "short");
  logging::info("x", "long", {{"a", longest}, {"b", longest}, {"c", longest}});
  const std::string text = piped();
  EXPECT_TRUE(text.contains("\"short\"") && !text.contains("xxx")) << text;
  EXPECT_TRUE(received(listener).contains(longest));
}

TEST_F(PostlogPipe, ThatIsFullIsReplacedByTheSocketAndTheFile) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  const std::string text(1900, 'x');
  for (int i = 0; i < 100; ++i) logging::info("x", "{text}", {{"text", text}});
  const auto in_pipe = std::ranges::count(piped(), '\n');
  const auto in_file = std::ranges::count(file(), '\n');
  long in_socket = 0;
  char buffer[8192];
  while (::recv(listener.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) ++in_socket;
  EXPECT_TRUE(in_pipe > 10 && in_socket > 0 && in_file > 0) << in_pipe << " " << in_socket << " " << in_file;
  EXPECT_EQ(in_pipe + in_socket + in_file, 100);
}

TEST_F(PostlogPipe, ThatNobodyReadsIsReplacedByTheSocket) {
  const base::Fd listener = listen(SOCK_DGRAM);
  open();
  out_.reset();
  logging::info("x", "master is gone");
  EXPECT_TRUE(received(listener).ends_with(": master is gone"));
}

TEST_F(Postlog, NeitherThereNorAFileIsAnError) {
  setup_.file = path("none/log");
  setup_.postlog_socket = path("socket");
  const auto opened = logging::open(setup_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().text, "open logfile '" + path("none/log") + "': No such file or directory");
}

}  // namespace
