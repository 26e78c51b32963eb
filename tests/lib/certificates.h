#pragma once
// Keys and certificates for tests, made by the openssl command when the first test needs them; nothing secret lies
// among the sources.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace tests {

// A folder with ca.pem; <name>.key, <name>.pem and <name>-chain.pem (key, certificate, authority) for rsa and ec
// (mail.example.test), other and wide (other.example.test, any.example.org), client and expired; stranger (of no
// authority); big (an RSA key of 4096 bits); for servers only: server, self-server (of no authority), and forged, which
// is signed with the key of server. It lives as long as the process.
class Certificates {
 public:
  static const Certificates& get() {
    static const Certificates the_only;
    return the_only;
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // "79:DA:...", of the certificate or its public key, as the command sees it.
  std::string fingerprint(const std::string& name) const {
    run("openssl x509 -in " + name + ".pem -noout -fingerprint -sha256 | sed 's/.*=//' | tr -d '\\n' > print");
    return text("print");
  }
  std::string key_fingerprint(const std::string& name) const {
    run("openssl x509 -in " + name +
        ".pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -c "
        "| sed 's/.*= *//' | tr 'a-f' 'A-F' | tr -d '\\n' > print");
    return text("print");
  }

 private:
  Certificates() {
    std::string path = (std::filesystem::temp_directory_path() / "certificates-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = path;
    run(R"(
      exec 2>/dev/null
      set -e
      ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
      rsa() { openssl genrsa -out $1.key $2; }
      sign() {
        openssl req -new -key $1.key -subj "$2" -out $1.csr
        openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -set_serial "$3" -days "$4" -out $1.pem
        cat $1.key $1.pem ca.pem > $1-chain.pem
      }
      ec ca; openssl req -x509 -new -key ca.key -subj "/O=Tests/CN=Test CA" -days 30 -out ca.pem
      rsa rsa 2048; sign rsa /CN=mail.example.test 1 30
      ec ec; sign ec /CN=mail.example.test 2 30
      ec other; sign other /CN=other.example.test 3 30
      ec wide; sign wide /CN=any.example.org 4 30
      ec client; sign client "/O=Org/CN=client.example.test" 5 30
      ec expired; sign expired /CN=expired.example.test 6 -1
      ec stranger; openssl req -x509 -new -key stranger.key -subj "/O=No One" -days 30 -out stranger.pem
      rsa big 4096; sign big /CN=mail.example.test 7 30
      printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' > for-servers
      ec server; openssl req -new -key server.key -subj /CN=server.example.test -out server.csr
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 8 -days 30 -extfile for-servers -out server.pem
      ec forged; openssl req -new -key forged.key -subj /CN=forged.example.test -out forged.csr
      openssl x509 -req -in forged.csr -CA server.pem -CAkey server.key -set_serial 9 -days 30 -extfile for-servers -out forged.pem
      cat server.pem >> forged.pem
      ec self-server; openssl req -x509 -new -key self-server.key -subj /CN=self.example.test -days 30 \
        -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth -out self-server.pem)");
  }
  void run(const std::string& script) const {
    const std::string command = "cd '" + folder_.string() + "' && { " + script + "\n}";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl");
  }

  std::filesystem::path folder_;
};

}  // namespace tests
