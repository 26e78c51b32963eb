# Where the mail system lives when main.cf does not say otherwise. Postfix's own defaults; a packager overrides them here, an
# administrator in main.cf. They reach the code only through the registry of parameters (see conf/parameters/).
set(POSTRIDER_CONFIG_DIRECTORY  "/etc/postfix"          CACHE STRING "default config_directory")
set(POSTRIDER_COMMAND_DIRECTORY "/usr/sbin"             CACHE STRING "default command_directory")
set(POSTRIDER_DAEMON_DIRECTORY  "/usr/libexec/postfix"  CACHE STRING "default daemon_directory")
set(POSTRIDER_QUEUE_DIRECTORY   "/var/spool/postfix"    CACHE STRING "default queue_directory")
set(POSTRIDER_DATA_DIRECTORY    "/var/lib/postfix"      CACHE STRING "default data_directory")
set(POSTRIDER_META_DIRECTORY    "/etc/postfix"          CACHE STRING "default meta_directory")
set(POSTRIDER_SHLIB_DIRECTORY   "/usr/lib/postfix"      CACHE STRING "default shlib_directory")
set(POSTRIDER_MANPAGE_DIRECTORY "/usr/share/man"        CACHE STRING "default manpage_directory")
set(POSTRIDER_README_DIRECTORY  "/usr/share/doc/postfix" CACHE STRING "default readme_directory")
set(POSTRIDER_HTML_DIRECTORY    "/usr/share/doc/postfix/html" CACHE STRING "default html_directory")
set(POSTRIDER_SENDMAIL_PATH     "/usr/sbin/sendmail"    CACHE STRING "default sendmail_path")
set(POSTRIDER_MAILQ_PATH        "/usr/bin/mailq"        CACHE STRING "default mailq_path")
set(POSTRIDER_NEWALIASES_PATH   "/usr/bin/newaliases"   CACHE STRING "default newaliases_path")
set(POSTRIDER_DATABASE_TYPE     "hash"                  CACHE STRING "default default_database_type")
set(POSTRIDER_CACHE_DB_TYPE     "btree"                 CACHE STRING "default default_cache_db_type")

# Inside the install prefix.
set(POSTRIDER_INSTALL_SBIN "sbin")
set(POSTRIDER_INSTALL_LIBEXEC "libexec/postfix")
set(POSTRIDER_INSTALL_ETC "etc/postfix")
set(POSTRIDER_INSTALL_MAN "share/man")
set(POSTRIDER_INSTALL_SYSTEMD "lib/systemd/system")
