#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "world.h"

namespace {

using namespace tls_test;
using tls::Server;

// A chain file that a test rewrites.
class Reload : public testing::Test {
 protected:
  Reload() {
    std::string path = (std::filesystem::temp_directory_path() / "reload-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = path;
  }
  ~Reload() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ / name; }
  // As an administrator should: beside it, then renamed.
  void put(const char* name, const std::string& text) const {
    std::ofstream(folder_ / "new", std::ios::binary) << text;
    std::filesystem::rename(folder_ / "new", folder_ / name);
  }
  static std::string file(const char* name) { return Certificates::get().text(name); }

  // Until the server shows that name, at most 10 s.
  static bool comes_to_show(Server& server, const std::string& name) {
    for (int i = 0; i < 100; ++i) {
      Client client{.says = "x"};
      meet(server, client);
      if (client.server_cn == name) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }

  std::filesystem::path folder_;
};

TEST_F(Reload, ANewCertificateIsTakenUp) {
  put("chain.pem", file("ec-chain.pem"));
  const config::Config config = configuration({{"smtpd_tls_chain_files", path("chain.pem")}});
  Server server(config, nullptr);
  EXPECT_TRUE(comes_to_show(server, "mail.example.test"));
  put("chain.pem", file("other-chain.pem"));
  EXPECT_TRUE(comes_to_show(server, "other.example.test"));
  EXPECT_EQ(server.stale(), "");
}

TEST_F(Reload, OneThatHasLainThereForAWhileIsTakenUpAtTheFirstLook) {
  put("chain.pem", file("ec-chain.pem"));
  const config::Config config = configuration({{"smtpd_tls_chain_files", path("chain.pem")}});
  Server server(config, nullptr);
  put("chain.pem", file("other-chain.pem"));
  std::this_thread::sleep_for(1200ms);  // in which no client comes
  Client client{.says = "x"};
  meet(server, client);
  EXPECT_EQ(client.server_cn, "other.example.test");
}

TEST_F(Reload, AKeyWithoutItsCertificateLeavesTheOldOnesInUseUntilItComes) {
  put("key.pem", file("ec.key"));
  put("cert.pem", file("ec.pem"));
  const config::Config config =
      configuration({{"smtpd_tls_cert_file", path("cert.pem")}, {"smtpd_tls_key_file", path("key.pem")}});
  Server server(config, nullptr);
  const logging::Capture log;
  put("key.pem", file("other.key"));
  for (int i = 0; i < 100 && !log.contains("going on with the certificates of before the change"); ++i) {
    EXPECT_TRUE(server.available());
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(log.contains("going on with the certificates of before the change"));
  EXPECT_TRUE(comes_to_show(server, "mail.example.test"));
  put("cert.pem", file("other.pem"));
  EXPECT_TRUE(comes_to_show(server, "other.example.test"));
}

TEST_F(Reload, AServerWithoutTlsHasItWhenTheFileIsRight) {
  put("chain.pem", "nothing\n");
  const config::Config config = configuration({{"smtpd_tls_chain_files", path("chain.pem")}});
  const logging::Capture log;
  Server server(config, nullptr);
  EXPECT_FALSE(server.available());
  put("chain.pem", file("ec-chain.pem"));
  EXPECT_TRUE(comes_to_show(server, "mail.example.test"));
}

TEST_F(Reload, WhatMayNotBeReadAnyMoreMakesTheProcessStale) {
  put("chain.pem", file("ec-chain.pem"));
  const config::Config config = configuration({{"smtpd_tls_chain_files", path("chain.pem")}});
  Server server(config, nullptr);
  EXPECT_EQ(server.stale(), "");
  put("chain.pem", file("other-chain.pem"));
  ASSERT_EQ(::chmod(path("chain.pem").c_str(), 0), 0);
  const uid_t before = ::geteuid();  // root may read everything
  if (before == 0) {
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    ASSERT_EQ(::seteuid(65534), 0);
  }
  std::string stale;
  for (int i = 0; i < 100 && stale.empty(); ++i) {
    stale = server.stale();
    std::this_thread::sleep_for(100ms);
  }
  if (before == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(stale, path("chain.pem"));
  EXPECT_TRUE(server.available());
}

}  // namespace
