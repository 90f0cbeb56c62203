//! Checks of servers that we did not write: OpenSSH and nginx, as Debian packages them.

use std::{
    fmt::Write,
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use probe::{
    check::{Ask, Check, Expected, HttpCheck},
    outcome::{Outcome, Reason, TlsFailure},
    prober::Report,
};
use tempfile::TempDir;
use trust::time::Moment;

use crate::{PATIENT, certificates::Identity, is_up, now, outcome, outcome_in_brief, prober, report};

const NGINX: &str = "/usr/sbin/nginx";
const SSHD: &str = "/usr/sbin/sshd";

/// A server's process and its files. Both end with it.
struct Server {
    process: Child,
    _files: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts it with a configuration that is written to `name`, and waits for it to listen at all of these ports.
    fn start(mut command: Command, files: TempDir, name: &str, configuration: &str, ports: &[u16]) -> Self {
        fs::write(files.path().join(name), configuration).unwrap();
        let program = command.get_program().display().to_string();
        assert!(Path::new(&program).exists(), "{program} is missing: run tests/setup first");
        let process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut server = Self { process, _files: files };
        let begun = Instant::now();
        for port in ports {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_err() {
                let ended = server.process.try_wait().unwrap();
                if ended.is_some() || begun.elapsed() > PATIENT {
                    let mut said = String::new();
                    let _ = server.process.kill();
                    let _ = std::io::Read::read_to_string(server.process.stderr.as_mut().unwrap(), &mut said);
                    panic!("{program} does not listen: {said}");
                }
                thread::yield_now();
            }
        }
        server
    }

    /// Stops it where it stands: the system still takes connections for it, and nobody answers them.
    fn freeze(&self) {
        let status = Command::new("kill").args(["-STOP", &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

/// Ports at which nobody listens, all different.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// nginx with these servers, in the words of its configuration; `{}` in them stands for the folder of its files.
fn nginx(files: TempDir, http: &str, ports: &[u16]) -> Server {
    let folder = files.path().to_str().unwrap().to_owned();
    let configuration = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr crit;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n\
         fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n\
         {http}\n}}\n"
    );
    let mut command = Command::new(NGINX);
    command.arg("-e").arg("stderr").arg("-p").arg(&folder).arg("-c").arg(files.path().join("nginx.conf"));
    Server::start(command, files, "nginx.conf", &configuration, ports)
}

fn sshd(port: u16) -> Server {
    // Where OpenSSH locks in what is not signed in yet. The system makes it at its start; a container has none.
    let _ = fs::create_dir_all("/run/sshd");
    let files = tempfile::tempdir().unwrap();
    let key = files.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen is missing: run tests/setup first");
    assert!(made.success());
    let configuration = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nUsePAM no\n",
        key.to_str().unwrap()
    );
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f"]).arg(files.path().join("sshd_config"));
    Server::start(command, files, "sshd_config", &configuration, &[port])
}

fn host() -> String {
    Ipv4Addr::LOCALHOST.to_string()
}

fn url(url: String) -> HttpCheck {
    HttpCheck { url, ask: Ask::Get { contains: None }, expected: Expected::Success, within: None }
}

fn get(port: u16, path: &str) -> Check {
    Check::Http(url(format!("http://127.0.0.1:{port}{path}")))
}

#[tokio::test]
async fn openssh_introduces_itself_until_it_ends() {
    let [port] = free_ports();
    let server = sshd(port);
    let ssh = Check::Ssh { host: host(), port };
    assert!(is_up(&outcome(&ssh).await));
    assert!(is_up(&outcome(&Check::Tcp { host: host(), port }).await));
    let http = outcome(&get(port, "/")).await;
    assert!(matches!(http, Outcome::Down(Reason::Protocol | Reason::Reset)), "{http:?}");
    let tls = outcome(&Check::Tls { host: host(), port }).await;
    assert_eq!(tls, Outcome::Down(Reason::Tls(TlsFailure::Handshake)));
    server.freeze();
    assert_eq!(outcome_in_brief(&ssh).await, Outcome::Down(Reason::Timeout));
    drop(server);
    assert_eq!(outcome(&ssh).await, Outcome::Down(Reason::Refused));
}

/// nginx with these certificates and settings of TLS, each at its own port.
fn nginx_with<const N: usize>(identities: [(Identity, &str); N]) -> (Server, [u16; N]) {
    let (files, ports) = (tempfile::tempdir().unwrap(), free_ports::<N>());
    let mut http = String::new();
    for (port, (identity, settings)) in ports.iter().zip(identities) {
        let file = files.path().join(format!("{port}.pem"));
        fs::write(&file, identity.pem()).unwrap();
        let file = file.to_str().unwrap();
        write!(
            http,
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {file}; ssl_certificate_key {file};\n\
             {settings} location / {{ return 200 works; }} }}\n"
        )
        .unwrap();
    }
    (nginx(files, &http, &ports), ports)
}

#[tokio::test]
async fn nginx_is_up_with_a_certificate_for_its_name_and_down_with_any_other() {
    let good = Identity::of("127.0.0.1");
    let certificate = |failure| Some(Reason::Tls(failure));
    let cases = [
        (good, "", None),
        (good, "ssl_protocols TLSv1.2;", None),
        (good, "ssl_protocols TLSv1.3;", None),
        (good, "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;", certificate(TlsFailure::Incompatible)),
        (Identity { name: "example.com", ..good }, "", certificate(TlsFailure::WrongName)),
        (Identity { valid: (2025, 2026), ..good }, "", certificate(TlsFailure::Expired)),
        (Identity { valid: (2027, 2028), ..good }, "", certificate(TlsFailure::NotYetValid)),
        (Identity { self_signed: true, ..good }, "", certificate(TlsFailure::Untrusted)),
    ];
    let (_server, ports) = nginx_with(cases.map(|(identity, settings, _)| (identity, settings)));
    for (port, (identity, settings, expected)) in ports.into_iter().zip(cases) {
        let case = format!("{} {:?} {settings}", identity.name, identity.valid);
        let over_http = Check::Http(url(format!("https://127.0.0.1:{port}/")));
        for check in [Check::Tls { host: host(), port }, over_http] {
            let Report { outcome, certificate } = report(&prober(), &check, PATIENT).await;
            match expected {
                None => {
                    assert!(is_up(&outcome), "{case}: {outcome:?}");
                    let expires = Moment::parse("2027-01-01T00:00:00Z").unwrap();
                    assert_eq!(certificate.unwrap().expires, expires);
                    assert_eq!(certificate.unwrap().days_left(now()), 101);
                }
                Some(reason) => assert_eq!(outcome, Outcome::Down(reason), "{case}"),
            }
        }
    }
}

#[tokio::test]
async fn nginx_is_down_by_what_it_answers() {
    let (files, [plain, secure]) = (tempfile::tempdir().unwrap(), free_ports());
    let pem = files.path().join("server.pem");
    fs::write(&pem, Identity::of("127.0.0.1").pem()).unwrap();
    // Longer than what is read, and sent in chunks, for nginx does not know what it becomes.
    fs::write(files.path().join("long.html"), format!("start {} end", "x".repeat(200_000))).unwrap();
    let (pem, folder) = (pem.to_str().unwrap(), files.path().to_str().unwrap());
    let http = format!(
        "server {{ listen 127.0.0.1:{plain}; root {folder}; gzip on; gzip_types *; keepalive_timeout 60s;\n\
         location = / {{ return 200 'It works.'; }}\n\
         location = /gone {{ return 410; }}\n\
         location = /broken {{ return 502; }}\n\
         location = /cut {{ return 444; }}\n\
         location = /long.html {{ ssi on; }}\n\
         location = /secure {{ return 301 https://127.0.0.1:{secure}/; }}\n\
         location = /circle {{ return 302 /circle; }}\n\
         location = /inside {{ return 302 http://169.254.169.254/latest/meta-data/; }} }}\n\
         server {{ listen 127.0.0.1:{secure} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n\
         location / {{ return 200 'It is safe.'; }} }}\n"
    );
    let server = nginx(files, &http, &[plain, secure]);
    let contains = |path: &str, text: &str| {
        let check = url(format!("http://127.0.0.1:{plain}{path}"));
        Check::Http(HttpCheck { ask: Ask::Get { contains: Some(text.to_owned()) }, ..check })
    };
    let with = |path: &str, ask: Ask, expected: Expected| {
        Check::Http(HttpCheck { ask, expected, ..url(format!("http://127.0.0.1:{plain}{path}")) })
    };
    let any = || Ask::Get { contains: None };
    for (check, expected) in [
        (get(plain, "/"), None),
        (with("/", Ask::Head, Expected::Success), None),
        (contains("/", "works"), None),
        (contains("/", "safe"), Some(Reason::Body)),
        (contains("/secure", "safe"), None),
        (with("/secure", any(), Expected::Status(301)), None),
        (with("/gone", any(), Expected::Status(410)), None),
        (get(plain, "/gone"), Some(Reason::Status(410))),
        (get(plain, "/broken"), Some(Reason::Status(502))),
        (get(plain, "/nothing-there"), Some(Reason::Status(404))),
        (get(plain, "/cut"), Some(Reason::Reset)),
        (contains("/long.html", "start"), None),
        (contains("/long.html", "end"), Some(Reason::Body)),
        (get(plain, "/circle"), Some(Reason::Redirect)),
        (get(plain, "/inside"), Some(Reason::Redirect)),
        (get(secure, "/"), Some(Reason::Status(400))),
        (Check::Tls { host: host(), port: plain }, Some(Reason::Tls(TlsFailure::Handshake))),
        (Check::Ssh { host: host(), port: secure }, Some(Reason::Timeout)),
    ] {
        let outcome = if expected == Some(Reason::Timeout) {
            outcome_in_brief(&check).await
        } else {
            outcome(&check).await
        };
        match expected {
            None => assert!(is_up(&outcome), "{check:?}: {outcome:?}"),
            Some(reason) => assert_eq!(outcome, Outcome::Down(reason), "{check:?}"),
        }
    }
    server.freeze();
    assert_eq!(outcome_in_brief(&get(plain, "/")).await, Outcome::Down(Reason::Timeout));
    drop(server);
    assert_eq!(outcome(&get(plain, "/")).await, Outcome::Down(Reason::Refused));
}
