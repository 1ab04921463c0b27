//! A small server of static files: HTTP/1.1, GET and HEAD, one thread per connection.
//!
//! It listens on this machine only and sends nothing but the files of one folder, with the headers
//! that its `_headers` file asks for.

use crate::error::{Error, Result};
use crate::headers::Rules;
use crate::mime;
use crate::path::{Found, resolve};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

/// How long a connection may stay idle.
const IDLE: Duration = Duration::from_secs(60);

/// How long the head of a request may be, in bytes.
const HEAD_LIMIT: u64 = 16 * 1024;

/// A site to serve.
pub struct Site {
    root: PathBuf,
    rules: Rules,
}

/// The part of a request that matters here.
struct Request {
    method: String,
    target: String,
    known: Option<String>,
    close: bool,
}

/// An answer, but for the headers that all answers have.
struct Response {
    status: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Takes a port of this machine; 0 means any free one.
pub fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::AddrInUse => "the port is taken by another program".to_owned(),
            _ => format!("cannot listen on the port: {error}"),
        };
        Error::new(what, format!("127.0.0.1:{port}"), "choose another one with --port N")
    })
}

/// The address that a browser can open.
pub fn address(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(|_| String::new(), |address| format!("http://{address}/"))
}

impl Site {
    /// The site in a folder, with the headers of the `_headers` file in it.
    pub fn new(root: &Path) -> Result<Self> {
        let failed = |e| Error::io("cannot read the site", root, &e);
        let rules = Rules::parse(&crate::project::read(&root.join("_headers"))?)?;
        let root = root.canonicalize().map_err(failed)?;
        Ok(Self { root, rules })
    }

    /// Answers requests for ever.
    pub fn serve(self, listener: &TcpListener) {
        let site = Arc::new(self);
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            // A browser that goes away in the middle of an answer is no concern of anyone.
            thread::spawn(move || drop(site.converse(&stream)));
        }
    }

    /// Answers the requests of one connection.
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(IDLE))?;
        stream.set_write_timeout(Some(IDLE))?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        loop {
            let Some(request) = read_request(&mut reader)? else {
                let answer = Response::text("400 Bad Request", "not a request\n");
                answer.send(stream, false, true)?;
                return hang_up(stream);
            };
            let Some(request) = request else {
                return Ok(());
            };
            let answer = self.answer(&request);
            answer.send(stream, request.method == "HEAD", request.close)?;
            if request.close {
                return hang_up(stream);
            }
        }
    }

    fn answer(&self, request: &Request) -> Response {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::text("405 Method Not Allowed", "only GET and HEAD\n").with("Allow", "GET, HEAD");
        }
        let path = match resolve(&self.root, &request.target) {
            Found::File(path) => path,
            Found::Redirect(to) => {
                return Response::text("301 Moved Permanently", "").with("Location", &to);
            }
            Found::Nothing => return Response::text("404 Not Found", "there is no such file\n"),
            Found::Malformed => return Response::text("400 Bad Request", "not a path\n"),
        };
        let (Ok(body), Ok(about)) = (fs::read(&path), fs::metadata(&path)) else {
            return Response::text("404 Not Found", "the file cannot be read\n");
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let tag = about
            .modified()
            .ok()
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map(|age| format!("\"{:x}-{:x}\"", age.as_nanos(), body.len()));
        let mut response =
            Response { status: "200 OK", headers: vec![("Content-Type".into(), mime::of(&name).into())], body };
        // Rules are written for the path as the site sees it, not for the folder on this disk.
        let inside = path.strip_prefix(&self.root).unwrap_or(&path);
        let place = format!("/{}", inside.to_string_lossy());
        for (name, value) in self.rules.of(&place) {
            response = response.with(name, value);
        }
        if self.rules.header(&place, "Cache-Control").is_none() {
            // The browser may keep it, but asks each time whether it is still good.
            response = response.with("Cache-Control", "no-cache");
        }
        if let Some(tag) = tag {
            response = response.with("ETag", &tag);
            if request.known.as_ref() == Some(&tag) {
                response.status = "304 Not Modified";
                response.body.clear();
            }
        }
        response
    }
}

impl Response {
    fn text(status: &'static str, text: &str) -> Self {
        let response = Self { status, headers: Vec::new(), body: text.as_bytes().to_vec() };
        response.with("Content-Type", mime::of("a.txt"))
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn send(&self, mut stream: &TcpStream, head_only: bool, close: bool) -> io::Result<()> {
        use std::fmt::Write as _;
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let connection = if close { "close" } else { "keep-alive" };
        if !self.status.starts_with("304") {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        let _ = write!(head, "Connection: {connection}\r\n\r\n");
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        stream.write_all(&bytes)
    }
}

/// Ends a connection. What the other side is still sending is read first, within bounds, since the
/// answer would be lost otherwise.
fn hang_up(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if stream.read(&mut rest)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads the head of a request. `None` if it is none, `Some(None)` at the end of the connection.
#[expect(clippy::option_option, reason = "the two ends of a conversation differ")]
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Option<Request>>> {
    let mut head = reader.take(HEAD_LIMIT);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(Some(None));
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Ok(None);
    };
    let mut request =
        Request { method: method.to_owned(), target: target.to_owned(), known: None, close: version != "HTTP/1.1" };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.split_once(':') else {
            return Ok(line.trim().is_empty().then_some(Some(request)));
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "if-none-match" => request.known = Some(value.to_owned()),
            "connection" => request.close |= value.eq_ignore_ascii_case("close"),
            // What follows would be a body, which is not read: the connection cannot go on.
            "content-length" | "transfer-encoding" => request.close = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves a small site and returns a function that sends a request and gives all that comes back.
    fn served(name: &str) -> impl Fn(&str) -> String + use<> {
        let root = std::env::temp_dir().join(format!("rankweave-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("assets")).unwrap();
        fs::write(root.join("index.html"), "<p>hello</p>").unwrap();
        fs::write(root.join("assets/a.wasm"), [0, 97, 115, 109]).unwrap();
        fs::write(root.join("_headers"), "/*\n  X-All: 1\n/assets/*\n  Cache-Control: immutable\n").unwrap();
        let listener = listen(0).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || Site::new(&root).unwrap().serve(&listener));
        move |request| {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        }
    }

    #[test]
    fn files_come_with_their_type_and_headers() {
        let get = served("http");
        let page = get("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n<p>hello</p>"));
        for header in
            ["Content-Type: text/html; charset=utf-8", "X-All: 1", "Cache-Control: no-cache", "Content-Length: 12"]
        {
            assert!(page.contains(&format!("\r\n{header}\r\n")), "{header} in {page}");
        }
        let wasm = get("GET /assets/a.wasm HTTP/1.0\r\n\r\n");
        assert!(wasm.contains("Content-Type: application/wasm\r\n"));
        assert!(wasm.contains("Cache-Control: immutable\r\n") && !wasm.contains("no-cache"));

        let head = get("HEAD / HTTP/1.0\r\n\r\n");
        assert!(head.contains("Content-Length: 12\r\n") && head.ends_with("\r\n\r\n"));
        let tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap();
        let again = get(&format!("GET / HTTP/1.0\r\nIf-None-Match: {tag}\r\n\r\n"));
        assert!(again.starts_with("HTTP/1.1 304") && again.ends_with("\r\n\r\n"));
    }

    #[test]
    fn one_connection_serves_many_requests() {
        let get = served("alive");
        let both = get("GET / HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 1);
        assert_eq!(both.matches("HTTP/1.1 404 Not Found").count(), 1);
    }

    #[test]
    fn what_is_no_request_for_a_file_is_refused() {
        let get = served("refused");
        for (request, status) in [
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405"),
            ("nonsense\r\n\r\n", "400"),
            ("GET x HTTP/1.0\r\n\r\n", "400"),
            ("GET /../x HTTP/1.0\r\n\r\n", "404"),
            ("GET /assets HTTP/1.0\r\n\r\n", "301"),
        ] {
            let answer = get(request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
        }
        let endless = format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(20_000));
        assert!(get(&endless).starts_with("HTTP/1.1 400"));
    }

    #[test]
    fn a_taken_port_is_an_error_that_names_the_option() {
        let listener = listen(0).unwrap();
        let error = listen(listener.local_addr().unwrap().port()).unwrap_err();
        assert!(error.hint.contains("--port"));
    }
}
