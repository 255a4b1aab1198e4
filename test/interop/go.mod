module scripta.example/interop

go 1.23

require golang.org/x/mod v0.20.0
