@main enum SomaCommand { static func main() {} }
