use super::*;

#[test]
fn a_complaint_is_one_line_that_says_why() {
    let pip = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip._vendor.HTTP \
               object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /tiny/\n\
               ERROR: Could not find a version that satisfies the requirement tiny==1 (from versions: none)\n\
               ERROR: No matching distribution found for tiny==1\n\n";
    assert_eq!(
        complaint(Client::Pip, pip).unwrap(),
        "No matching distribution found for tiny==1: Failed to establish a new connection: [Errno 111] Connection \
         refused"
    );
    let none = "/usr/bin/python3: No module named pip\n";
    assert_eq!(complaint(Client::Pip, none).unwrap(), none.trim());
    assert_eq!(complaint(Client::Pip, "\n"), None);

    let refused = "npm warn config old\nnpm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno ECONN\n\
                   npm error FetchError: request to http://h/ failed, reason: connect ECONNREFUSED\nnpm error     at \
                   x (y.js:1)\nnpm error A complete log of this run can be found in: /x\n";
    assert_eq!(
        complaint(Client::Npm, refused).unwrap(),
        "FetchError: request to http://h/ failed, reason: connect ECONNREFUSED"
    );
    let absent = "npm ERR! code E404\nnpm ERR! 404 Not Found - GET http://h/tiny\nnpm ERR! 404 \n";
    assert_eq!(complaint(Client::Npm, absent).unwrap(), "404 Not Found - GET http://h/tiny");
    assert_eq!(complaint(Client::Npm, &"ä b".repeat(500)).unwrap().chars().count(), LONGEST_ANSWER + 3);
}

#[test]
fn the_python_that_the_user_chose_is_not_replaced() {
    let of = |python: Option<&str>| programs(Client::Pip, python.map(OsString::from));
    assert_eq!(of(None), ["python3", "python"]);
    assert_eq!(of(Some("")), ["python3", "python"]);
    assert_eq!(of(Some("python3.12")), ["python3.12"]);
    assert_eq!(of(Some("venv/bin/python")), [std::env::current_dir().unwrap().join("venv/bin/python")]);
}
