package simulator

import "fmt"

// Person has an account with a carrier. Every value must be invented.
type Person struct {
	// Phone has 11 digits. The account is registered under Name and IDCard.
	Phone, Name, IDCard string
	// Website is the carrier's.
	Website string
	// Password is the service password, QueryPassword the second one of some
	// carriers, NextPassword that of all data sources but the first.
	Password, QueryPassword, NextPassword string
	// NewPassword is a valid choice for a reset. The server does not use it: a reset
	// sets the password of the request.
	NewPassword string
}

// People returns the built-in people: one for each of Carriers, in that order,
// with phone numbers from 13800138000 on. The list is a copy.
func People() []Person {
	carriers := Carriers()
	people := make([]Person, len(carriers))
	for i, c := range carriers {
		people[i] = Person{
			Phone: fmt.Sprintf("138001380%02d", i), Name: "测试用户", IDCard: inventedIDCard(i), Website: c.Website,
			Password: "246810", QueryPassword: "135790", NextPassword: "864200", NewPassword: "975318",
		}
	}
	return people
}

// inventedIDCard returns a number with a valid check digit (GB 11643, ISO 7064
// MOD 11-2) for a person born in 1800 in a region that does not exist.
func inventedIDCard(n int) string {
	body := fmt.Sprintf("99999918000101%03d", n)
	sum := 0
	for _, digit := range body {
		sum = (sum + int(digit-'0')) * 2 % 11
	}
	return body + "0123456789X"[(12-sum)%11:][:1]
}

func (s *Server) person(phone string) (Person, bool) {
	for _, p := range s.cfg.People {
		if p.Phone == phone {
			return p, true
		}
	}
	return Person{}, false
}

// passwordAt returns the person's first service password at a website.
func (p Person) passwordAt(website string) string {
	if website == p.Website {
		return p.Password
	}
	return p.NextPassword
}
