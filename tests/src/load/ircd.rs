//! Other servers of IRC, as Debian packages them: with a configuration that has no limits that this tool would meet,
//! and without looking up names of hosts or users.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, io, process, thread};

use super::options::Ircd;
use crate::program::Process;

/// A running server. It is killed and its configuration removed when dropped.
pub(super) struct Running {
    pub(super) addr: SocketAddr,
    pub(super) process: Process,
    dir: PathBuf,
}

/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(10);

impl Ircd {
    /// Returns where Debian's package has the program.
    pub(super) fn program(self) -> &'static Path {
        Path::new(match self {
            Self::Inspircd => "/usr/sbin/inspircd",
            Self::Ngircd => "/usr/sbin/ngircd",
        })
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// It is not installed, or accepts no connection.
    pub(super) fn start(self) -> io::Result<Running> {
        let program = self.program();
        if !program.exists() {
            return Err(io::Error::other(format!("there is no {}: install the package", program.display())));
        }
        let dir = env::temp_dir().join(format!("chat-load-{}-{self}", process::id()));
        fs::create_dir_all(&dir)?;
        // It is free again at once; another program could take it, and then this one ends with an error.
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let file = dir.join("ircd.conf");
        fs::write(&file, self.configuration(addr.port()))?;
        let mut command = Command::new(program);
        match self {
            Self::Inspircd => {
                command.args(["--nofork", "--nolog", "--nopid", "--runasroot", "--config"]).arg(&file);
            }
            Self::Ngircd => {
                command.args(["--nodaemon", "--config"]).arg(&file);
            }
        }
        let running = Running { addr, process: Process::start(command), dir };
        let begun = Instant::now();
        while let Err(error) = TcpStream::connect(addr) {
            if begun.elapsed() > STARTING {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    fn configuration(self, port: u16) -> String {
        match self {
            Self::Inspircd => format!(
                r#"<server name="irc.local" description="load" network="load">
<admin name="load" nick="load" email="load@localhost">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect allow="*" timeout="60" pingfreq="120" hardsendq="1G" softsendq="1G" recvq="1G" threshold="1000000000"
 commandrate="1000000000" fakelag="no" localmax="100000" globalmax="100000" limit="100000" maxconnwarn="no"
 resolvehostnames="no" useident="no">
<limits maxnick="31" maxchan="64">
<performance softlimit="100000" somaxconn="128" netbuffersize="65534">
"#
            ),
            Self::Ngircd => format!(
                "[Global]\nName = irc.local\nInfo = load\nListen = 127.0.0.1\nPorts = {port}\n\
                 [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxNickLength = 31\nMaxPenaltyTime = 0\n\
                 [Options]\nDNS = no\nIdent = no\nPAM = no\n"
            ),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What is left there does no harm.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
