# Everything comes from Debian 12; packaging/build-depends lists the packages.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)

# The libraries below have no pkg-config file.
function(postrider_find_library target header library)
  find_path(${target}_INCLUDE ${header} REQUIRED)
  find_library(${target}_LIBRARY ${library} REQUIRED)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE})
  target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endfunction()
postrider_find_library(berkeley_db db.h db-5.3)
postrider_find_library(boost_context boost/context/fiber.hpp libboost_context.a)
postrider_find_library(unistring unicase.h unistring)
