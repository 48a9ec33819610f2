//! The command line that the servers of this project share.
